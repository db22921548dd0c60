"""The page of kept messages: over HTTP, and in a real browser."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from bson import ObjectId
from playwright.async_api import Page, async_playwright, expect
from starlette.applications import Starlette

from app.delivery import dev_mail_routes
from app.delivery.messages.dev_transport import DevTransport
from app.delivery.messages.message_kinds import FIELDS
from app.main import create_app
from app.settings import Settings
from loaders import outbox
from loaders.mongo import Database
from tests.app.test_graphiql import CHROMIUM, OFFLINE, RECORD_VIOLATIONS, Watch
from tests.messages.examples import composed
from tests.support import missing, serving

expect.set_options(timeout=30_000)

EVIL = "<script>alert(1)</script> & {link}"
MISSING = "0" * 24
#: Where to keep screenshots, to look at them.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=dev_mail_routes(lambda: database))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern") as client:
        yield client


async def keep(database: Database, kind: Any = "password_changed", **values: Any) -> str:
    """Keeps a message. Returns its id."""
    message = composed(kind, **values)
    own = str(ObjectId())
    await DevTransport(lambda: database).carry(
        type(message)(**{name: getattr(message, name) for name in message.__slots__} | {"id": own})
    )
    return own


async def test_the_newest_message_is_shown_beside_the_list(
    database: Database, http: httpx.AsyncClient
) -> None:
    old, new = await keep(database), await keep(database, "moved_up", language="de")
    page = await http.get("/dev/mail")
    assert page.status_code == 200
    assert page.text.index(f"/dev/mail/{new}") < page.text.index(f"/dev/mail/{old}")
    assert "<h1>Sie haben einen Platz: Statistics &amp; Probability</h1>" in page.text
    assert f'src="/dev/mail/{new}/html"' in page.text
    other = await http.get(f"/dev/mail/{old}")
    assert "<h1>Your password was changed</h1>" in other.text
    assert "All other sessions of the account have ended." in other.text


async def test_a_page_without_messages_says_how_to_get_one(http: httpx.AsyncClient) -> None:
    assert "No messages yet" in (await http.get("/dev/mail")).text
    gone = await http.get(f"/dev/mail/{MISSING}")
    assert gone.status_code == 404
    assert "This message is no longer kept" in gone.text


@pytest.mark.parametrize("path", ["/dev/mail/x", "/dev/mail/x/html", f"/dev/mail/{MISSING}/html"])
async def test_what_is_no_message_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404


async def test_nothing_in_a_message_is_markup_of_the_page(
    database: Database, http: httpx.AsyncClient
) -> None:
    own = await keep(database, "moved_up", course=EVIL)
    for path in ("/dev/mail", f"/dev/mail/{own}", f"/dev/mail/{own}/html"):
        page = (await http.get(path)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {link}" in page


async def test_the_page_and_the_message_in_it_are_confined(
    database: Database, http: httpx.AsyncClient
) -> None:
    own = await keep(database)
    page, message = await http.get("/dev/mail"), await http.get(f"/dev/mail/{own}/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    policy = message.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; ")
    assert policy.endswith("sandbox allow-popups allow-popups-to-escape-sandbox")


async def test_the_newest_messages_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox.kept_messages, "MOST_KEPT", 3)
    began = outbox.kept_messages
    assert began
    ids = []
    for _ in range(5):
        ids.append(ObjectId())
        at = ids[0].generation_time + timedelta(seconds=len(ids))
        await outbox.keep(
            database,
            {
                "_id": ids[-1], "at": at, "kind": "moved_up", "language": "en", "sender": "", "address": "",
                "subject": "", "plain": "", "html": None, "link": None,
            },
        )  # fmt: skip
    assert [message["_id"] for message in await outbox.kept(database)] == ids[:1:-1]


def test_only_a_gateway_that_keeps_messages_has_the_page(settings: Settings) -> None:
    def paths(**more: Any) -> list[str]:
        app = create_app(settings.model_copy(update=more))
        return [getattr(route, "path", "") for route in app.routes]

    own = {"mail_from": "a@example.org", "verify_url": "https://a/{token}", "reset_url": "https://a/{token}"}
    assert "/dev/mail" not in paths()
    assert "/dev/mail" in paths(dev_mail=True, **own)


# -- in a browser ----------------------------------------------------------------------------------------


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a Chromium that reaches only 127.0.0.1."""
    if CHROMIUM is None:
        missing("no Chromium on the PATH (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        try:
            context = await browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
            page = await context.new_page()
            await page.add_init_script(RECORD_VIOLATIONS)
            yield page
        finally:
            await browser.close()


async def screenshot(page: Page, name: str) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


@pytest.mark.parametrize("width", [1440, 390])
async def test_messages_are_read_on_wide_and_narrow_screens(
    settings: Settings, database: Database, page: Page, width: int
) -> None:
    own = {
        "LECTERN_DEV_MAIL": "true", "LECTERN_MAIL_FROM": "Example Institute <courses@example.org>",
        "LECTERN_VERIFY_URL": "https://a.example/#{token}", "LECTERN_RESET_URL": "https://a.example/#{token}",
    }  # fmt: skip
    await page.set_viewport_size({"width": width, "height": 900 if width > 1000 else 844})
    is_wide = width > 1000
    with serving(settings, **own) as url:
        watch = Watch(page, url)
        await page.goto(f"{url}/dev/mail")
        await expect(page.get_by_text("No messages yet")).to_be_visible()
        await screenshot(page, f"empty-{width}")

        for kind in FIELDS:  # each arrives without a reload
            await keep(database, kind, language="de" if kind == "run_cancelled" else "en")
        items = page.locator("nav a")
        await expect(items).to_have_count(len(FIELDS))
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await screenshot(page, f"list-{width}")

        await items.filter(has_text="Set a new password").click()
        await expect(page.get_by_role("heading", name="Set a new password")).to_be_visible()
        await expect(page.locator("nav")).to_be_visible(visible=is_wide)
        link = page.frame_locator("iframe").get_by_role("link", name="Set a new password")
        await expect(link).to_be_visible()
        assert await link.evaluate("a => getComputedStyle(a).display") == "inline-block"
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await screenshot(page, f"message-{width}")

        await page.get_by_text("Text", exact=True).last.click()
        await expect(page.locator("pre")).to_contain_text(
            "Somebody, probably you, has asked for a new password"
        )
        await expect(page.locator("iframe")).to_be_hidden()
        await screenshot(page, f"text-{width}")

        if not is_wide:
            await page.get_by_role("link", name="All messages").click()
            await expect(items.first).to_be_visible()
            await expect(page.locator("main")).to_be_hidden()
        assert await watch.all() == []
