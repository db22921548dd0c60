"""Sessions and links of other shapes are used as far as they can be, and otherwise have ended or expired."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from loaders.mongo import Database
from tests.accounts.support import PURPOSES, VALUES, Doc, fields_of, link, outbox, replaced
from tests.accounts.test_verification import verify
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes

LISTED = "{ viewer { sessions { id createdAt lastSeenAt address client current } } }"
NEW_PASSWORD = "another horse, another battery"


async def writes(gateway: Gateway, session: Doc) -> Doc:
    return await gateway.write(session["accessToken"])


async def refreshes(gateway: Gateway, session: Doc) -> Doc:
    return await gateway.refresh(session["refreshToken"])


async def signs_out(gateway: Gateway, session: Doc) -> Doc:
    return await gateway.mutate("signOut", {"refreshToken": session["refreshToken"]})


async def changes_the_password(gateway: Gateway, session: Doc) -> Doc:
    values = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
    return await gateway.mutate("changePassword", values, token=session["accessToken"])


async def ends_it(gateway: Gateway, session: Doc) -> Doc:
    return await gateway.mutate("endSession", {"sessionId": session["id"]}, token=session["accessToken"])


ACTS: tuple[Callable[[Gateway, Doc], Awaitable[Doc]], ...] = (
    writes, refreshes, signs_out, changes_the_password, ends_it,
)  # fmt: skip
#: What the owner of a session that isn't recognised is told.
ENDED: list[list[tuple[str, ...]]] = [
    [("UNAUTHENTICATED",)], [("UNAUTHENTICATED", "refreshToken")], [("NOT_FOUND", "sessionId")],
]  # fmt: skip


@pytest.mark.parametrize("field", fields_of("sessions"))
async def test_a_session_is_used_or_has_ended(gateway: Gateway, database: Database, field: str) -> None:
    first = await gateway.sign_up()
    own = await gateway.refresh(first["refreshToken"])
    original = await database["sessions"].find_one({})
    assert original
    for value in VALUES:
        for act in ACTS:
            await replaced(database, "sessions", original, field, value)
            listed = (await gateway.post(LISTED, token=own["accessToken"])).json()
            assert "errors" not in listed, listed
            payload = await act(gateway, {**own, "id": str(original["_id"])})
            assert codes(payload) in ([], *ENDED), (value, act)
            if field == "endedAt" and value not in (..., None) and act in (writes, refreshes):
                assert codes(payload) in ENDED, value
            assert await database["sessions"].count_documents({"as stored": {"$exists": True}}) == 0


#: How a link is asked for, by its purpose. That of a sign-up is there already.
ASKED: Mapping[str, tuple[str, Doc]] = {
    "RESET": ("requestPasswordReset", {"email": EMAIL}),
    "CHANGE_EMAIL": ("changeEmail", {"newEmail": "ada@example.com", "password": PASSWORD}),
    "VERIFY": ("resendVerification", {"email": EMAIL}),
}


@pytest.mark.parametrize("purpose", PURPOSES.values())
@pytest.mark.parametrize("field", fields_of("accountTokens"))
async def test_a_link_is_used_or_has_expired(
    gateway: Gateway, database: Database, field: str, purpose: str
) -> None:
    session = await gateway.sign_up()
    mutation, asked = ASKED[purpose]
    await gateway.mutate(mutation, asked, token=session["accessToken"])
    entry = (await outbox(database))[-1]
    token = await link(database, entry)
    original, account, own = [
        await database[name].find_one({}) for name in ("accountTokens", "accounts", "sessions")
    ]
    assert original
    assert account
    assert own
    for value in VALUES:
        await replaced(database, "accountTokens", original, field, value)
        if purpose == "RESET":
            payload = await gateway.mutate("resetPassword", {"token": token, "newPassword": NEW_PASSWORD})
        else:
            payload = await verify(gateway, session, token)
        assert codes(payload) in ([], [("EXPIRED", "token")]), value
        (after,) = await database["accounts"].find().to_list(None)
        assert after["email"] in (EMAIL, "ada@example.com", "text"), value
        if field in ("isMailed", "email") and value is ... and purpose == "RESET":
            assert "emailVerifiedAt" not in after
        assert await database["accountTokens"].count_documents({"as stored": {"$exists": True}}) == 0
        await database["accounts"].replace_one({}, account)
        await database["sessions"].delete_many({})
        await database["sessions"].insert_one(own)
        await link(database, entry)  # another link beside it
