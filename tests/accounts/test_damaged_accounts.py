"""Accounts of other shapes can be signed in to, verified, reset and changed."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from pymongo.errors import WriteError

from app.commands.people import account_changes
from loaders.mongo import Database
from tests.accounts.support import VALUES, Doc, fields_of, link, outbox, replaced
from tests.accounts.test_verification import verify
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes
from tests.writes.support import Value

NEW_PASSWORD = "another horse, another battery"
#: The fields without which nobody could be recognised.
KEPT = {"_id", "email", "passwordHash", "status", "revision"}


async def signs_in(gateway: Gateway, _: Database, __: Doc) -> Doc:
    return await gateway.sign_in()


async def refreshes(gateway: Gateway, _: Database, session: Doc) -> Doc:
    return await gateway.refresh(session["refreshToken"])


async def signs_out(gateway: Gateway, _: Database, session: Doc) -> Doc:
    return await gateway.mutate("signOut", {"refreshToken": session["refreshToken"]})


async def changes_the_password(gateway: Gateway, _: Database, session: Doc) -> Doc:
    values = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    return await gateway.mutate("changePassword", values, token=session["accessToken"])


async def resets_the_password(gateway: Gateway, database: Database, _: Doc) -> Doc:
    await gateway.mutate("requestPasswordReset", {"email": EMAIL})
    token = await link(database, (await outbox(database))[-1])
    return await gateway.mutate("resetPassword", {"token": token, "newPassword": NEW_PASSWORD})


async def uses_a_printed_link(gateway: Gateway, database: Database, _: Doc) -> Doc:
    token = (await account_changes.reset(database, EMAIL)).token
    return await gateway.mutate("resetPassword", {"token": token, "newPassword": NEW_PASSWORD})


async def verifies_the_address(gateway: Gateway, database: Database, session: Doc) -> Doc:
    await gateway.mutate("resendVerification", {"email": EMAIL})
    return await verify(gateway, session, await link(database, (await outbox(database))[-1]))


async def changes_the_address(gateway: Gateway, database: Database, session: Doc) -> Doc:
    values = {"newEmail": "ada@example.com", "password": PASSWORD}
    payload = await gateway.mutate("changeEmail", values, token=session["accessToken"])
    assert codes(payload) == []
    return await verify(gateway, session, await link(database, (await outbox(database))[-1]))


Act = Callable[[Gateway, Database, Doc], Awaitable[Doc]]
ACTS: tuple[Act, ...] = (
    signs_in, refreshes, signs_out, changes_the_password, resets_the_password, uses_a_printed_link,
    verifies_the_address, changes_the_address,
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_it_is_done(gateway: Gateway, database: Database, act: Act, value: Value) -> None:
    """Whatever the other fields hold."""
    session = await gateway.sign_up()
    for field in set(fields_of("accounts")) - KEPT:
        damage = {"$unset": {field: ""}} if value is ... else {"$set": {field: value}}
        with suppress(WriteError):  # two arrays in one index
            await database["accounts"].update_many({}, damage)
    assert codes(await act(gateway, database, session)) == []
    assert await database["accounts"].count_documents({"as stored": {"$exists": True}}) == 0


@pytest.mark.parametrize("field", sorted(KEPT))
async def test_an_account_that_is_not_recognised_is_refused(
    gateway: Gateway, database: Database, field: str
) -> None:
    """With an error for its owner, or as if there were no account."""
    session = await gateway.sign_up()
    original = await database["accounts"].find_one({})
    assert original
    for value in VALUES:
        for act in (signs_in, refreshes, signs_out, changes_the_password):
            await replaced(database, "accounts", original, field, value)
            await database["sessions"].update_many({}, {"$set": {"endedAt": None}})
            assert len(codes(await act(gateway, database, session))) <= 1
            values = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
            assert len(codes(await gateway.mutate("signUp", values))) <= 1
            await database["attempts"].delete_many({})


async def test_the_address_of_an_account_that_is_not_recognised_is_taken(
    gateway: Gateway, database: Database
) -> None:
    session = await gateway.sign_up()
    await database["accounts"].insert_one({"_id": "text", "email": "ada@example.com", "roles": []})
    values = {"newEmail": "ada@example.com", "password": PASSWORD}
    await gateway.mutate("changeEmail", values, token=session["accessToken"])
    payload = await verify(gateway, session, await link(database, (await outbox(database))[-1]))
    assert codes(payload) == [("DUPLICATE", "token")]
    values = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    assert codes(await gateway.mutate("signUp", values)) == [("DUPLICATE", "email")]
    with pytest.raises(account_changes.AccountError, match="can't be read"):
        await account_changes.create(database, "ada@example.com", "Ada", ["STUDENT"], None)
