"""From a mutation through the outbox to a real mail server, and from the link in a message to a mutation."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from app.settings import Settings
from loaders.mongo import Database
from tests import factories
from tests.app.test_cli import running
from tests.messages.mail_server import Mail, MailServer, mail_server
from tests.support import TOKENS, serving
from tests.writes.sessions import EMAIL, PASSWORD, Gateway
from tests.writes.support import STAFF, run_id, run_of, stored

NEW_PASSWORD = "another horse, another battery"
CHANGE = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
PAGES = {
    "LECTERN_MAIL_FROM": "Example Institute <courses@example.org>",
    "LECTERN_VERIFY_URL": "https://a.example/verify#{token}",
    "LECTERN_RESET_URL": "https://a.example/reset#{token}",
}


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as own:
        yield own


@contextmanager
def mailing(settings: Settings, server: MailServer) -> Iterator[Gateway]:
    """A gateway that sends messages to a mail server."""
    url = f"smtp://127.0.0.1:{server.port}?starttls=off"
    with serving(settings, LECTERN_SMTP_URL=url, **PAGES) as own:
        yield Gateway(url=own)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 # what it depends on sets no event
            await asyncio.sleep(0.02)


async def mail(server: MailServer, subject: str) -> Mail:
    """Waits for a message with a subject."""
    await until(lambda: any(mail.email["Subject"] == subject for mail in server.mails))
    return next(mail for mail in server.mails if mail.email["Subject"] == subject)


def token(mail: Mail) -> str:
    match = re.search(r"#([\w-]{43})\s", mail.text())
    assert match
    return match[1]


async def test_links_that_were_mailed_verify_an_address_and_reset_a_password(
    settings: Settings, database: Database, server: MailServer
) -> None:
    with mailing(settings, server) as gateway:
        session = await gateway.sign_up()
        verify = await mail(server, "Confirm your e-mail address")
        assert verify.to == [EMAIL]
        query = "mutation($t: String!) { verifyEmail(input: {token: $t}) { viewer { emailVerified } } }"
        answer = await gateway.post(query, {"t": token(verify)}, token=session["accessToken"])
        assert answer.json()["data"]["verifyEmail"] == {"viewer": {"emailVerified": True}}

        query = "mutation($e: String!) { requestPasswordReset(input: {email: $e}) { errors { code } } }"
        for address in (EMAIL, "nobody@example.org"):
            answer = await gateway.post(query, {"e": address})
            assert answer.json()["data"]["requestPasswordReset"] == {"errors": []}
        reset = await mail(server, "Set a new password")
        await gateway.mutate("resetPassword", {"token": token(reset), "newPassword": NEW_PASSWORD})
        changed = await mail(server, "Your password was changed")
    assert {address for own in server.mails for address in own.to} == {EMAIL}
    assert not any("Ada" in own.text() + own.text("html") for own in server.mails)  # the name is not checked
    stored = [entry async for entry in database["outbox"].find({})]
    assert changed.email["Message-ID"] in [f"<{entry['_id']}@example.org>" for entry in stored]
    assert EMAIL not in str(stored)
    assert token(reset) not in str(stored)


async def test_a_changed_password_is_told_and_a_refused_change_is_not(
    settings: Settings, database: Database, server: MailServer
) -> None:
    with mailing(settings, server) as gateway:
        session = await gateway.sign_up()
        wrong = {**CHANGE, "currentPassword": "wrong horse battery"}
        await gateway.mutate("changePassword", wrong, token=session["accessToken"])
        assert await database["outbox"].count_documents({"kind": "message.password_changed"}) == 0
        payload = await gateway.mutate("changePassword", CHANGE, token=session["accessToken"])
        assert payload["errors"] == []
        assert (await mail(server, "Your password was changed")).to == [EMAIL]
    assert await database["outbox"].count_documents({"kind": "message.password_changed"}) == 1


async def test_messages_are_in_the_language_of_the_browser_that_signed_up(
    settings: Settings, database: Database, server: MailServer
) -> None:
    query = """mutation {
      signUp(input: {name: "Ada", email: "ada@example.org", password: "correct horse battery"}) {
        errors { code }
      }
    }"""
    with mailing(settings, server) as gateway:
        browser: dict[str, Any] = {"accept-language": "de-AT,de;q=0.9,en;q=0.8"}
        await gateway.post(query, **browser)
        await mail(server, "Bestätigen Sie Ihre E-Mail-Adresse")


async def test_a_message_that_is_refused_for_good_is_parked_and_named_without_its_address(
    settings: Settings, database: Database, server: MailServer
) -> None:
    server.answers["RCPT"] = "550 <{}>: no such user"
    parked = {"state": "PARKED", "lastError": "SMTP 550"}
    environment = {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_SMTP_URL": f"smtp://127.0.0.1:{server.port}?starttls=off",
    }
    with running("serve", **environment, **PAGES) as (process, url):
        await Gateway(url=url).sign_up()
        async with asyncio.timeout(60):
            while not await database["outbox"].count_documents(parked):  # noqa: ASYNC110 # a change in MongoDB
                await asyncio.sleep(0.05)
        found = await database["outbox"].find_one(parked)
        assert found is not None
        assert found["deleteAt"] > found["at"] + timedelta(days=6)
        process.terminate()
        assert process.stderr is not None
        log = process.stderr.read()
    assert server.mails == []
    assert "parked" in log
    assert "SMTP 550" in log
    assert EMAIL not in log


async def test_the_students_in_a_cancelled_run_are_told(
    settings: Settings, database: Database, server: MailServer
) -> None:
    course, emails = factories.course("Algebra"), ["ada@example.org", "bob@example.org"]
    run, students = run_of(course, seats=1), [factories.student(email=email) for email in emails]
    places = [
        factories.enrollment(course, by, runId=run["_id"], status=status)
        for by, status in zip(students, ("ACTIVE", "WAITLISTED"), strict=True)
    ]
    await stored(database, courses=[course], courseRuns=[run], students=students, enrollments=places)
    with mailing(settings, server) as gateway:
        query = "mutation($run: ID!) { cancelCourseRun(input: {runId: $run}) { errors { code } } }"
        for _ in range(2):
            answer = await gateway.post(query, {"run": run_id(run)}, token=TOKENS.access(STAFF).text)
            assert answer.json()["data"]["cancelCourseRun"] == {"errors": []}
        await until(lambda: len(server.mails) == 2)
    assert sorted(address for own in server.mails for address in own.to) == emails
    assert {own.email["Subject"] for own in server.mails} == {"Cancelled: Algebra"}


async def test_the_last_message_to_a_deleted_account_is_forgotten_if_it_is_refused_for_good(
    settings: Settings, database: Database, server: MailServer
) -> None:
    with mailing(settings, server) as gateway:
        session = await gateway.sign_up()
        await mail(server, "Confirm your e-mail address")
        server.answers["RCPT"] = "550 <{}>: no such user"
        query = "mutation($p: String!) { deleteAccount(input: {password: $p}) { errors { code } } }"
        answer = await gateway.post(query, {"p": PASSWORD}, token=session["accessToken"])
        assert answer.json()["data"]["deleteAccount"] == {"errors": []}
        async with asyncio.timeout(60):
            while await database["outbox"].count_documents({}):  # noqa: ASYNC110 # as above
                await asyncio.sleep(0.02)
    assert len(server.mails) == 1
