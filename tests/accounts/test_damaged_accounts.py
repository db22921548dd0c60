"""Accounts of other shapes can be signed in to, verified, reset and changed."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from pymongo.errors import WriteError

from app.commands.people import account_changes
from loaders.collections import COLLECTIONS
from loaders.model import shape_of
from loaders.mongo import Database
from tests.accounts.support import Doc, link, outbox
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


@pytest.mark.parametrize("value", [..., None, "text", 4.5, {"a": 1}, ["a", None]], ids=str)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_it_is_done(gateway: Gateway, database: Database, act: Act, value: Value) -> None:
    """Whatever the other fields hold."""
    session = await gateway.sign_up()
    document = COLLECTIONS["accounts"].document
    assert document
    for field in (shape_of(document).members or {}).keys() - KEPT:
        damage = {"$unset": {field: ""}} if value is ... else {"$set": {field: value}}
        with suppress(WriteError):  # two arrays in one index
            await database["accounts"].update_many({}, damage)
    assert codes(await act(gateway, database, session)) == []
    assert await database["accounts"].count_documents({"as stored": {"$exists": True}}) == 0
