"""The page /dev/mail, which shows the messages that `lectern dev` keeps instead of sending them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from bson import ObjectId
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from app.delivery.messages.templates import filled
from loaders import outbox
from loaders.mongo import Database, utc
from loaders.outbox import KeptMessageDoc

_FILES = Path(__file__).parent / "page"

_CONFINED: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
}

# A message may have styles and pictures, as in a mail program. It runs no script, and belongs to no origin.
_CONFINED_MESSAGE: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
}


def dev_mail_routes(database: Callable[[], Database]) -> list[BaseRoute]:
    """Returns the routes of the page. database: see app.request.Services."""

    async def newest(_: Request) -> Response:
        messages = await outbox.kept(database())
        chosen = await outbox.kept_message(database(), messages[0]["_id"]) if messages else None
        return _page("list", messages, chosen, _message(chosen) if chosen else _part("empty.html"))

    async def one(request: Request) -> Response:
        messages = await outbox.kept(database())
        if chosen := await outbox.kept_message(database(), _id_in(request)):
            return _page("message", messages, chosen, _message(chosen))
        gone = filled(_part("gone.html"), {"most": str(outbox.MOST_KEPT)})
        return _page("message", messages, None, gone, 404)

    async def html(request: Request) -> Response:
        message = await outbox.kept_message(database(), _id_in(request))
        if message is None or message["html"] is None:
            raise HTTPException(404)
        # Links open in a tab of their own: the frame couldn't show where they lead.
        page = message["html"].replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(page, headers=_CONFINED_MESSAGE)

    async def style(_: Request) -> Response:
        return FileResponse(_FILES / "style.css", media_type="text/css")

    async def script(_: Request) -> Response:
        return FileResponse(_FILES / "script.js", media_type="text/javascript")

    return [
        Route("/dev/mail", newest),
        Route("/dev/mail/style.css", style),
        Route("/dev/mail/script.js", script),
        Route("/dev/mail/{id}", one),
        Route("/dev/mail/{id}/html", html),
    ]


def _id_in(request: Request) -> ObjectId:
    if not ObjectId.is_valid(request.path_params["id"]):
        raise HTTPException(404)
    return ObjectId(request.path_params["id"])


def _page(
    view: str,
    messages: Sequence[KeptMessageDoc],
    chosen: KeptMessageDoc | None,
    content: str,
    status: int = 200,
) -> Response:
    """Returns the page. view: what a narrow screen shows, "list" or "message"."""
    number = f"{len(messages)} kept by lectern dev" if messages else "kept by lectern dev"
    page = filled(
        _part("page.html"),
        {
            "title": escape(chosen["subject"]) if chosen and view == "message" else "Messages",
            "view": view if messages else "message",
            "about": number,
            "items": "".join(_item(message, chosen) for message in messages),
            "message": content,
        },
    )
    return HTMLResponse(page, status, _CONFINED)


def _item(message: KeptMessageDoc, chosen: KeptMessageDoc | None) -> str:
    is_chosen = chosen is not None and chosen["_id"] == message["_id"]
    return filled(_part("item.html"), {**_values(message), "current": "page" if is_chosen else "false"})


def _message(message: KeptMessageDoc) -> str:
    values = _values(message)
    link = filled(_part("link.html"), values) if message["link"] else ""
    tabs = filled(_part("html_tab.html" if message["html"] else "text_tab.html"), values)
    return filled(_part("message.html"), {**values, "link": link, "tabs": tabs})


def _values(message: KeptMessageDoc) -> dict[str, str]:
    """Returns the fields of a message, escaped for HTML."""
    at = utc(message["at"])
    shown = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "shown": f"{at:%Y-%m-%d %H:%M} UTC", "id": str(message["_id"])}
    texts = {name: escape(value) for name, value in message.items() if isinstance(value, str)}
    return texts | shown


@cache
def _part(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
