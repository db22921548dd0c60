"""verifyEmail: the link that shows that an address is its account's."""

from asyncio import gather
from datetime import UTC, datetime, timedelta

import pytest

from app.settings import Settings
from loaders.accounts import LINK_LASTS
from loaders.mongo.database import Database
from tests.accounts.support import Doc, link, outbox
from tests.support import RunQuery
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes, served
from tests.writes.support import STAFF, Value

EXPIRED, FORBIDDEN = [("EXPIRED", "token")], [("FORBIDDEN", "token")]
ME = "{ viewer { email emailVerified } }"
LOG = "{ auditLog { nodes { action changes { collection before after } } } }"


async def verify(gateway: Gateway, by: Doc | None, token: str, **more: Value) -> Doc:
    access = by and by["accessToken"]
    return await gateway.mutate("verifyEmail", {"token": token, **more}, token=access)


async def signed_up(gateway: Gateway, database: Database, email: str = EMAIL) -> tuple[Doc, Doc]:
    """Returns the session of a new account, and the message to it."""
    session = await gateway.sign_up(email)
    (message,) = await outbox(database)
    return session, message


async def is_verified(gateway: Gateway, by: Doc) -> bool:
    answer = (await gateway.post(ME, token=by["accessToken"])).json()
    verified: bool = answer["data"]["viewer"]["emailVerified"]
    return verified


async def test_other_sessions_stay_if_nobody_is_claimed(gateway: Gateway, database: Database) -> None:
    session, message = await signed_up(gateway, database)
    other = await gateway.sign_in()
    assert codes(await verify(gateway, session, await link(database, message))) == []
    assert codes(await gateway.write(other["accessToken"])) == []
    values = {"newEmail": "ada@example.com", "password": PASSWORD}
    await gateway.mutate("changeEmail", values, token=session["accessToken"])
    assert codes(await verify(gateway, session, await link(database, (await outbox(database))[-1]))) == []
    assert codes(await gateway.refresh(other["refreshToken"])) == []


async def test_whoever_signs_up_is_sent_a_link(gateway: Gateway, database: Database) -> None:
    _, message = await signed_up(gateway, database)
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    assert (message["kind"], message["to"]) == ("message.verify_email", None)
    assert message["data"]["accountId"] == account["_id"]
    left = message["expiresOn"] - datetime.now(UTC)
    assert timedelta(minutes=-1) < left - LINK_LASTS["VERIFY"] <= timedelta()


async def test_a_gateway_that_sends_no_messages_writes_none(settings: Settings, database: Database) -> None:
    async with served(settings) as gateway:
        await gateway.sign_up()
    assert await outbox(database) == []


async def test_a_link_verifies_the_address_once(
    gateway: Gateway, database: Database, run_query: RunQuery
) -> None:
    session, message = await signed_up(gateway, database)
    token = await link(database, message)
    assert not await is_verified(gateway, session)
    payload = await verify(gateway, session, token)
    assert codes(payload) == []
    assert payload["viewer"] == {"email": EMAIL, "emailVerified": True}
    assert codes(await verify(gateway, session, token)) == EXPIRED
    assert await is_verified(gateway, session)
    entry = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"][0]
    (change,) = entry["changes"]
    assert (entry["action"], change["collection"], change["before"]) == (
        "verifyEmail", "accounts", {"emailVerifiedAt": None}
    )  # fmt: skip


async def test_a_retry_with_the_same_key_gets_the_same_answer(gateway: Gateway, database: Database) -> None:
    session, message = await signed_up(gateway, database)
    token = await link(database, message)
    first = await verify(gateway, session, token, idempotencyKey="k1")
    assert codes(first) == []
    assert await verify(gateway, session, token, idempotencyKey="k1") == first


async def test_only_the_account_itself_can_use_its_link(gateway: Gateway, database: Database) -> None:
    """Somebody who signed up with another person's address gets nothing when that person opens the link."""
    session, message = await signed_up(gateway, database)
    other, _ = await signed_up(gateway, database, "bob@example.org")
    token = await link(database, message)
    assert codes(await verify(gateway, None, token)) == [("UNAUTHENTICATED",)]
    assert codes(await verify(gateway, other, token)) == FORBIDDEN
    assert not await is_verified(gateway, session)
    assert codes(await verify(gateway, session, token)) == []
    assert not await is_verified(gateway, other)


@pytest.mark.parametrize(
    "why", ["unknown", "expired", "for a former address", "for another purpose", "of no account"]
)
async def test_a_link_that_is_not_valid(gateway: Gateway, database: Database, why: str) -> None:
    session, message = await signed_up(gateway, database)
    token = await link(database, message)
    match why:
        case "unknown":
            token = "x"
        case "expired":
            over = {"$set": {"expiresAt": datetime.now(UTC)}}
            await database["accountTokens"].update_one({}, over)
        case "for a former address":
            await database["accounts"].update_one({}, {"$set": {"email": "ada@example.com"}})
        case "for another purpose":
            await database["accountTokens"].update_one({}, {"$set": {"purpose": "RESET"}})
        case "of no account":
            await database["accounts"].delete_one({})
    assert codes(await verify(gateway, session, token)) == EXPIRED


async def test_a_link_that_is_used_twice_at_once_works_once(gateway: Gateway, database: Database) -> None:
    session, message = await signed_up(gateway, database)
    token = await link(database, message)
    payloads = await gather(*(verify(gateway, session, token) for _ in range(2)))
    assert sorted(codes(payload) for payload in payloads) == [[], EXPIRED]


async def test_a_message_that_is_sent_again_does_not_make_a_used_link_valid(
    gateway: Gateway, database: Database
) -> None:
    session, message = await signed_up(gateway, database)
    token = await link(database, message)
    assert codes(await verify(gateway, session, token)) == []
    await link(database, message, token)
    assert codes(await verify(gateway, session, token)) == EXPIRED


async def test_only_the_digest_of_a_token_is_stored(gateway: Gateway, database: Database) -> None:
    _, message = await signed_up(gateway, database)
    token = await link(database, message)
    names = await database.driver.list_collection_names()
    assert token not in repr([await database[name].find().to_list(None) for name in names])
