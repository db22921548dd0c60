"""A gateway in a process of its own, which sends messages, and a person who writes to it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import Settings
from loaders.mongo import Database
from tests.erasure.marks import EMAIL, MARKER, NEW_EMAIL, PASSWORD
from tests.erasure.person import Person, World, moderate, token_in, until, world, write_everywhere
from tests.messages.mail_server import MailServer, mail_server
from tests.storm.gateways import serving
from tests.writes.sessions import Gateway, served

_PAGES = {
    "LECTERN_MAIL_FROM": "Example Institute <courses@example.org>",
    "LECTERN_VERIFY_URL": "https://a.example/verify#{token}",
    "LECTERN_RESET_URL": "https://a.example/reset#{token}",
    "LECTERN_LOG_LEVEL": "debug",
    "LECTERN_SLOW_OPERATION": "0.001",
}


@dataclass
class Scene:
    """A person who has written everywhere, and what they have written to. server: None for /dev/mail."""

    url: str
    log: Path
    server: MailServer | None
    person: Person
    world: World


@asynccontextmanager
async def _written(
    settings: Settings, database: Database, log: Path, server: MailServer | None
) -> AsyncIterator[Scene]:
    async def link(kind: str, address: str) -> str:
        async def mailed() -> str | None:
            page = "reset" if kind == "reset_password" else "verify"
            texts = [mail.text() for mail in server.mails if mail.to == [address]] if server else []
            return next((token_in(text) for text in texts if f"//a.example/{page}#" in text), None)

        async def kept() -> str | None:
            message = await database["devMail"].find_one({"kind": kind, "address": address})
            return token_in(message["link"]) if message else None

        token: str = await until(mailed if server else kept)
        return token

    way = {"LECTERN_DEV_MAIL": "true"}
    if server:
        way = {"LECTERN_SMTP_URL": f"smtp://127.0.0.1:{server.port}?starttls=off"}
    with serving(settings, log, _PAGES | way) as gateway:
        await gateway.ready()
        url = f"http://127.0.0.1:{gateway.port}"
        person = Person(Gateway(url=url), database, _links=link)
        stored = await world(database)
        await write_everywhere(person, stored)
        await moderate(person)
        if server:
            await _fail_once(person, server)
        yield Scene(url, log, server, person, stored)


async def _fail_once(person: Person, server: MailServer) -> None:
    """Leaves a message with an address in the outbox, which couldn't be sent yet."""
    server.answers["RCPT"] = "450 <{}>: later"
    await person.write("changeEmail", newEmail=f"fourth{NEW_EMAIL}", password=PASSWORD)
    waiting = {"to": f"fourth{NEW_EMAIL}", "attempts": 1}
    await until(lambda: person.database["outbox"].find_one(waiting))
    del server.answers["RCPT"]


@pytest.fixture
async def scene(
    request: pytest.FixtureRequest, settings: Settings, database: Database, tmp_path: Path
) -> AsyncIterator[Scene]:
    """Messages go to a mail server if the parameter is "smtp", and to /dev/mail if it is "dev"."""
    if request.param == "smtp":
        async with mail_server() as server, _written(settings, database, tmp_path / "log", server) as own:
            yield own
    else:
        async with _written(settings, database, tmp_path / "log", None) as own:
            yield own


LECTERN = Path(sys.executable).with_name("lectern")


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    """A gateway in this process."""
    pages = {name.removeprefix("LECTERN_").lower(): value for name, value in _PAGES.items() if "{" in value}
    mail = {"mail_from": "Lectern <desk@example.org>", "dev_mail": "true", **pages}
    own = settings.model_copy(update=mail)
    async with served(own) as gateway:
        yield gateway


@pytest.fixture
async def person(gateway: Gateway, database: Database) -> Person:
    async def no_link(*_: str) -> str:
        return ""

    own = Person(gateway, database, _links=no_link)
    await own.sign_in("signUp", name=f"Ada {MARKER}", email=EMAIL, password=PASSWORD)
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    own.account_id, own.student_id = account["_id"], account["studentId"]
    return own
