"""Whoever signs up with the address of another person keeps nothing once its owner has the account."""

import pytest

from loaders import people
from loaders.mongo import Database, Transaction, transaction
from tests import factories
from tests.accounts.support import Doc, link, outbox
from tests.accounts.test_claims import ME, assert_nothing_is_left, external, imported
from tests.accounts.test_verification import verify
from tests.support import TOKENS
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes, device_id
from tests.writes.support import stored

NEW_PASSWORD, EVES = "another horse, another battery", "eve@example.com"
ENDED, EXPIRED = [("UNAUTHENTICATED",)], [("EXPIRED", "token")]
SESSIONS = "{ viewer { sessions { id address } } }"


async def has_signed_up(gateway: Gateway, database: Database) -> Doc:
    """Returns the session of Eve, who has signed up with Ada's address."""
    session = await gateway.sign_up(name="Eve")
    await outbox(database)
    return session


async def owner_resets(gateway: Gateway, database: Database) -> Doc:
    """Returns the session of Ada, after she has used a mailed reset link."""
    await gateway.mutate("requestPasswordReset", {"email": EMAIL})
    message = next(one for one in await outbox(database) if one["kind"] == "message.reset_password")
    values = {"token": await link(database, message), "newPassword": NEW_PASSWORD}
    session = await gateway.mutate("resetPassword", values)
    assert codes(session) == []
    return session


async def test_all_that_the_other_had_ends_with_the_reset(gateway: Gateway, database: Database) -> None:
    eve = await has_signed_up(gateway, database)
    values = {"newEmail": EVES, "password": PASSWORD}
    assert codes(await gateway.mutate("changeEmail", values, token=eve["accessToken"])) == []
    (message,) = await outbox(database)
    pending = await link(database, message)
    ada = await owner_resets(gateway, database)
    assert codes(await gateway.write(eve["accessToken"])) == [("UNAUTHENTICATED",)]
    assert codes(await gateway.refresh(eve["refreshToken"])) == [("UNAUTHENTICATED", "refreshToken")]
    assert codes(await gateway.sign_in(device=eve["deviceToken"])) == ENDED
    assert await device_id(database, eve["deviceToken"]) is None
    assert codes(await verify(gateway, ada, pending)) == EXPIRED  # even if Ada can be made to open it
    shown = (await gateway.post(SESSIONS, token=eve["accessToken"])).json()["data"]["viewer"]
    assert shown["sessions"] == []
    shown = (await gateway.post(SESSIONS, token=ada["accessToken"])).json()["data"]["viewer"]
    assert len(shown["sessions"]) == 1


async def test_the_others_access_token_does_not_show_what_is_claimed(
    gateway: Gateway, database: Database
) -> None:
    course, own = factories.course(), imported(country="GB", bio="Mathematician.")
    place = factories.enrollment(course, own, **external())
    await stored(database, courses=[course], students=[own], enrollments=[place])
    eve = await has_signed_up(gateway, database)
    before = TOKENS.viewer(eve["accessToken"]).student_id
    ada = await owner_resets(gateway, database)
    shown = (await gateway.post(ME, token=eve["accessToken"])).json()["data"]["viewer"]
    assert shown["student"] is None
    shown = (await gateway.post(ME, token=ada["accessToken"])).json()["data"]["viewer"]
    assert (shown["student"]["name"], shown["student"]["country"]) == ("Ada Lovelace", "GB")
    assert shown["student"]["enrollments"]["totalCount"] == 1
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    assert (account["studentId"], account["name"]) == (own["_id"], "Ada Lovelace")
    assert before
    await assert_nothing_is_left(database, {"_id": before})


async def test_what_the_account_had_moves_to_the_imported_student(
    gateway: Gateway, database: Database
) -> None:
    """The owner of the account may also be the one who signed up."""
    course, own = factories.course(), imported()
    await stored(database, courses=[course], students=[own])
    session = await has_signed_up(gateway, database)
    before = TOKENS.viewer(session["accessToken"]).student_id
    await database["enrollments"].insert_one(factories.enrollment(course, {"_id": before}))
    await database["courses"].update_one({}, {"$set": {"studentCount": 1}})
    await database["students"].update_one({"_id": before}, {"$set": {"bio": "I write."}})
    ada = await owner_resets(gateway, database)
    shown = (await gateway.post(ME, token=ada["accessToken"])).json()["data"]["viewer"]["student"]
    assert (shown["bio"], shown["enrollments"]["totalCount"]) == ("I write.", 1)
    await assert_nothing_is_left(database, {"_id": before})


async def test_a_verified_account_keeps_its_student_after_a_reset(
    gateway: Gateway, database: Database
) -> None:
    session = await gateway.sign_up()
    (message,) = await outbox(database)
    assert codes(await verify(gateway, session, await link(database, message))) == []
    await stored(database, students=[imported()])
    before = TOKENS.viewer(session["accessToken"]).student_id
    ada = await owner_resets(gateway, database)
    assert TOKENS.viewer(ada["accessToken"]).student_id == before
    assert await database["students"].count_documents({}) == 1


async def test_a_claim_by_verifying_ends_the_other_sessions(gateway: Gateway, database: Database) -> None:
    await stored(database, students=[imported()])
    session = await gateway.sign_up()
    (message,) = await outbox(database)
    other = await gateway.sign_in()
    assert codes(await verify(gateway, session, await link(database, message))) == []
    assert codes(await gateway.write(other["accessToken"])) == [("UNAUTHENTICATED",)]
    assert codes(await gateway.write(session["accessToken"])) == []


async def test_verifying_without_a_claim_ends_no_session(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    (message,) = await outbox(database)
    other = await gateway.sign_in()
    assert codes(await verify(gateway, session, await link(database, message))) == []
    assert codes(await gateway.write(other["accessToken"])) == []


@pytest.mark.parametrize("roles", [["STAFF"], ["STUDENT", "STAFF"]])
async def test_a_claim_gives_the_role_of_students(database: Database, roles: list[str]) -> None:
    ada = imported()
    account = factories.account(roles=roles, emailVerifiedAt=factories.T0)
    await stored(database, students=[ada], accounts=[account])

    async def work(tx: Transaction) -> bool:
        found = await tx.get("accounts", account["_id"])
        return await people.claim(tx, found)

    assert await transaction(database, work) is True
    claimed = await database["accounts"].find_one({})
    assert claimed
    assert (claimed["studentId"], claimed["roles"]) == (ada["_id"], ["STUDENT", "STAFF"])
