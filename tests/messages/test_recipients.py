"""Who gets a message: looked up when it is sent."""

from datetime import timedelta
from typing import Any, cast

import pytest
from bson import ObjectId

from app.auth import SessionTokens
from app.delivery.messages.composing import Recipient
from app.delivery.messages.recipients import Recipients
from app.settings import Settings
from loaders import accounts
from loaders.model import AccountDoc, TokenPurpose
from loaders.mongo import Database, now
from loaders.outbox import EntryDoc, MessageKind
from tests import factories
from tests.factories import T0, store
from tests.messages.examples import AT, entry
from tests.support import TOKENS

ADA, GRACE = "ada@example.org", "grace@example.org"
ACCOUNT: dict[str, Any] = {
    "_id": ObjectId(),
    "email": ADA,
    "roles": ["STUDENT"],
    "studentId": None,
    "passwordHash": None,
}
OTHER = {**ACCOUNT, "_id": ObjectId(), "email": GRACE}
SETTINGS = Settings.model_construct(
    verify_url="https://a.example/v#{token}", reset_url="https://a.example/r#{token}"
)
IN_AN_HOUR = now().replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
def recipients(database: Database) -> Recipients:
    return Recipients(SETTINGS, TOKENS, lambda: database)


def about(**ids: Any) -> dict[str, Any]:
    return {"data": {"accountId": None, "studentId": None, **ids}}


CHANGE = about(accountId=ACCOUNT["_id"], secretsMark=accounts.secrets_mark(cast("AccountDoc", ACCOUNT)))


@pytest.mark.parametrize("kind", ["password_changed", "account_deactivated"])
async def test_a_message_about_an_account_goes_to_its_address_of_now(
    database: Database, recipients: Recipients, kind: MessageKind
) -> None:
    await store(database, accounts=[ACCOUNT])
    found = await recipients.of(entry(kind, language="de", **about(accountId=ACCOUNT["_id"])))
    assert found == Recipient("ada@example.org", kind, {"at": AT}, "de")


@pytest.mark.parametrize("kind", ["email_changed", "account_deleted"])
async def test_a_message_to_an_address_needs_no_account(recipients: Recipients, kind: MessageKind) -> None:
    found = await recipients.of(entry(kind, to="old@example.org"))
    assert found == Recipient("old@example.org", kind, {"at": AT}, None)


async def test_nobody_gets_a_message_about_an_account_that_is_gone(recipients: Recipients) -> None:
    assert await recipients.of(entry("password_changed", **about(accountId=ObjectId()))) is None
    assert await recipients.of(entry("password_changed")) is None


@pytest.mark.parametrize("kind", ["run_cancelled", "moved_up"])
async def test_a_message_to_a_student_says_which_course_and_when(
    database: Database, recipients: Recipients, kind: MessageKind
) -> None:
    course = factories.course("Algebra")
    run, student = factories.course_run(course), factories.student(email="ada@example.org")
    await store(database, courses=[course], courseRuns=[run], students=[student])
    ids = {"runId": run["_id"]}
    found = await recipients.of(entry(kind, **about(studentId=student["_id"], **ids)))
    assert found == Recipient("ada@example.org", kind, {"course": "Algebra", "starts": T0}, None)
    for missing in ("studentId", "runId"):
        there = {"studentId": student["_id"], **ids, missing: ObjectId()}
        assert await recipients.of(entry(kind, **about(**there))) is None
    await database["courses"].delete_one({})
    assert await recipients.of(entry(kind, **about(studentId=student["_id"], **ids))) is None


@pytest.mark.parametrize(
    "address", [None, "", "n/a", "a@b.de, c@d.de", "a@b.de\r\nBcc: c@d.de", "Ada <a@b.de>", "jörg@b.de"]
)
async def test_a_student_without_a_valid_address_gets_no_message(
    database: Database, recipients: Recipients, address: str | None
) -> None:
    course = factories.course()
    run, student = factories.course_run(course), factories.student(email=address)
    await store(database, courses=[course], courseRuns=[run], students=[student])
    ids = about(studentId=student["_id"], runId=run["_id"])
    assert await recipients.of(entry("moved_up", **ids)) is None


async def test_a_message_is_in_the_language_of_the_account(
    database: Database, recipients: Recipients
) -> None:
    course = factories.course()
    run, student = factories.course_run(course), factories.student(email=ADA)
    account = {**ACCOUNT, "language": "de-at"}
    await store(database, courses=[course], courseRuns=[run], students=[student], accounts=[account])
    to_account = entry("password_changed", **about(accountId=ACCOUNT["_id"]))
    to_student = entry("moved_up", **about(studentId=student["_id"], runId=run["_id"]))
    to_former = entry("email_changed", to="old@example.org", **about(accountId=ACCOUNT["_id"]))
    for own in (to_account, to_student, to_former, with_link("reset_password", to=ADA)):
        found = await recipients.of(own)
        assert found is not None
        assert found.language == "de-at"
    found = await recipients.of({**to_account, "language": "en"})
    assert found is not None
    assert found.language == "en"


# -- links -----------------------------------------------------------------------------------------------


def with_link(kind: MessageKind, **fields: Any) -> EntryDoc:
    return entry(kind, expiresOn=IN_AN_HOUR, **fields)


@pytest.mark.parametrize(
    ("kind", "fields", "page", "purpose"),
    [
        ("verify_email", about(accountId=ACCOUNT["_id"]), "v", "VERIFY"),
        ("verify_email", {"to": ADA}, "v", "VERIFY"),
        ("reset_password", {"to": ADA}, "r", "RESET"),
        ("change_email", {"to": "new@example.org", **CHANGE}, "v", "CHANGE_EMAIL"),
    ],
)
async def test_a_link_has_a_token_that_is_valid_and_the_same_for_each_attempt(
    database: Database,
    recipients: Recipients,
    kind: MessageKind,
    fields: dict[str, Any],
    page: str,
    purpose: TokenPurpose,
) -> None:
    await store(database, accounts=[ACCOUNT])
    own = with_link(kind, **fields)
    found = await recipients.of(own)
    assert found is not None
    assert await recipients.of(own) == found
    assert (found.address, found.kind) == (fields.get("to", ADA), kind)
    assert found.values["until"] == IN_AN_HOUR
    url, _, token = str(found.values["link"]).partition("#")
    assert url == f"https://a.example/{page}"
    stored = await accounts.find_token(database, accounts.digest_of(token), purpose)
    assert stored is not None
    assert (stored["accountId"], stored["email"], stored["isMailed"]) == (ACCOUNT["_id"], found.address, True)
    assert await database["accountTokens"].count_documents({}) == 1
    assert token not in str(stored)


@pytest.mark.parametrize("kind", ["verify_email", "reset_password"])
async def test_nobody_gets_a_link_at_an_address_without_an_account(
    database: Database, recipients: Recipients, kind: MessageKind
) -> None:
    await store(database, accounts=[ACCOUNT])
    assert await recipients.of(with_link(kind, to=GRACE)) is None
    assert await database["accountTokens"].count_documents({}) == 0


@pytest.mark.parametrize("kind", ["verify_email", "reset_password", "change_email"])
async def test_a_deactivated_account_gets_no_link(
    database: Database, recipients: Recipients, kind: MessageKind
) -> None:
    await store(database, accounts=[{**ACCOUNT, "status": "DEACTIVATED"}])
    assert await recipients.of(with_link(kind, to=ADA, **about(accountId=ACCOUNT["_id"]))) is None
    assert await database["accountTokens"].count_documents({}) == 0


async def test_nobody_verifies_an_address_twice(database: Database, recipients: Recipients) -> None:
    await store(database, accounts=[{**ACCOUNT, "emailVerifiedAt": AT}])
    assert await recipients.of(with_link("verify_email", to=ADA)) is None
    assert await recipients.of(with_link("reset_password", to=ADA)) is not None


async def test_a_new_address_that_has_an_account_is_told_so_without_a_link(
    database: Database, recipients: Recipients
) -> None:
    await store(database, accounts=[ACCOUNT, OTHER])
    of_ada = about(accountId=ACCOUNT["_id"])
    found = await recipients.of(with_link("change_email", to=GRACE, language="de", **of_ada))
    assert found == Recipient(GRACE, "address_taken", {}, "de")
    assert await recipients.of(with_link("change_email", to=ADA, **of_ada)) is None
    assert await database["accountTokens"].count_documents({}) == 0


def test_the_token_of_a_link_cannot_be_made_without_the_secret() -> None:
    own = ObjectId()
    assert TOKENS.link(own) == TOKENS.link(own)
    assert len({TOKENS.link(own), TOKENS.link(ObjectId()), SessionTokens(b"another").link(own)}) == 3
    assert len(TOKENS.link(own)) == 43  # 256 bits


@pytest.mark.parametrize("change", [{"passwordHash": "new"}, {"email": "ada@example.com"}])
async def test_a_change_of_address_is_not_carried_on_after_another_change(
    database: Database, recipients: Recipients, change: dict[str, str]
) -> None:
    """Whoever has asked for it may be somebody else, whom the owner has just shut out."""
    await store(database, accounts=[{**ACCOUNT, **change}])
    assert await recipients.of(with_link("change_email", to="new@example.org", **CHANGE)) is None
    assert await database["accountTokens"].count_documents({}) == 0
