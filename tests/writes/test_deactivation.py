"""A deactivated account: nobody signs in to it, refreshes its sessions or resets its password."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from app.settings import Settings
from loaders import accounts
from loaders.model import AccountDoc
from loaders.mongo import Destinations
from loaders.mongo.bson_types import now
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes, served
from tests.writes.support import Doc


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    async with served(settings) as gateway:
        yield gateway


async def _change(database: Database, change: object) -> None:
    async def work(tx: Transaction) -> None:
        found = await accounts.by_email(tx, EMAIL)
        assert found
        await change(tx, found)  # type: ignore[operator]

    await transaction(database, work)


async def _account(database: Database) -> Doc:
    found = await database["accounts"].find_one({"email": EMAIL})
    assert found
    return found


async def test_nobody_signs_in_until_it_is_activated(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    await _change(database, accounts.deactivate)
    refused = await gateway.sign_in()
    assert codes(refused) == [("FORBIDDEN",)]
    assert refused["errors"][0]["message"].startswith("This account has been deactivated")
    assert (refused["accessToken"], refused["viewer"]) == (None, None)
    assert codes(await gateway.refresh(session["refreshToken"])) == [("UNAUTHENTICATED", "refreshToken")]
    assert codes(await gateway.write(session["accessToken"])) == [("UNAUTHENTICATED",)]
    assert await database["sessions"].count_documents({"endedAt": None}) == 0
    await _change(database, accounts.activate)
    assert codes(await gateway.refresh(session["refreshToken"])) == [("UNAUTHENTICATED", "refreshToken")]
    assert codes(await gateway.sign_in()) == []


async def test_only_the_right_password_tells_that_it_is_deactivated(
    gateway: Gateway, database: Database
) -> None:
    await gateway.sign_up()
    await _change(database, accounts.deactivate)
    of_account = await gateway.sign_in(password="a wrong password")
    of_nobody = await gateway.sign_in("nobody@example.org", password="a wrong password")
    assert of_account == of_nobody


async def test_a_sign_up_that_is_sent_again_starts_no_session(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up(idempotencyKey="k")
    await _change(database, accounts.deactivate)
    values = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "idempotencyKey": "k"}
    assert codes(await gateway.mutate("signUp", values)) == [("FORBIDDEN",)]


async def test_no_reset_link_works(gateway: Gateway, database: Database) -> None:
    """Neither one from before, nor one that is made by other means."""
    await gateway.sign_up()
    before = await _account(database)
    reset = {"digest": sha256(b"link").digest(), "expiresAt": now() + timedelta(hours=1)}
    new = {"token": "link", "newPassword": "another horse battery"}

    async def offer(tx: Transaction, account: AccountDoc) -> None:
        await accounts.change(tx, account, reset=reset)

    await _change(database, offer)
    await _change(database, accounts.deactivate)
    assert codes(await gateway.mutate("resetPassword", new)) == [("EXPIRED", "token")]
    await _change(database, offer)
    assert codes(await gateway.mutate("resetPassword", new)) == [("FORBIDDEN",)]
    assert (await _account(database))["passwordHash"] == before["passwordHash"]
    await _change(database, accounts.activate)
    assert codes(await gateway.mutate("resetPassword", new)) == []


async def test_a_session_that_was_not_ended_is_not_refreshed(gateway: Gateway, database: Database) -> None:
    """An earlier version of the gateway may have started it after the account was deactivated."""
    session = await gateway.sign_up()
    await database["accounts"].update_one({}, {"$set": {"status": "DEACTIVATED"}})
    assert codes(await gateway.refresh(session["refreshToken"])) == [("UNAUTHENTICATED", "refreshToken")]


async def test_a_refresh_notes_at_most_once_an_hour_that_the_account_is_in_use(
    gateway: Gateway, database: Database
) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    assert accounts.last_seen_at(await _account(database)) == (await _account(database))["signedInAt"]  # type: ignore[arg-type]
    for field, minutes, is_noted in (
        ("signedInAt", 59, False), ("signedInAt", 61, True), ("seenAt", 59, False), ("seenAt", 61, True),
    ):  # fmt: skip
        past = {"$set": {field: now() - timedelta(minutes=minutes)}}
        await database["accounts"].update_one({"email": EMAIL}, past)
        before = await _account(database)
        token = (await gateway.refresh(token))["refreshToken"]
        account = await _account(database)
        assert (account.get("seenAt") != before.get("seenAt")) is is_noted
        times = [account["signedInAt"], *([account["seenAt"]] if "seenAt" in account else [])]
        assert accounts.last_seen_at(account) == max(times)  # type: ignore[arg-type]


async def test_its_owner_is_told(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.sign_up()
    monkeypatch.setattr(database, "destinations", Destinations(has_messages=True))
    for _ in range(2):
        await _change(database, accounts.deactivate)
    (message,) = await database["outbox"].find().to_list(None)
    assert message["kind"] == "message.account_deactivated"
    assert message["data"]["accountId"] == (await _account(database))["_id"]
