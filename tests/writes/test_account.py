"""Accounts that staff change: their roles and status, and that the last of staff stays."""

from asyncio import gather

import pytest

from loaders.accounts import LastStaffError, set_roles
from loaders.model import ANONYMOUS_STUDENT, AccountDoc
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction
from resolvers.relay import encode_id
from tests import factories
from tests.writes.support import (
    STAFF,
    Doc,
    Gateway,
    Value,
    account_id,
    as_student,
    at_once,
    current,
    stored,
)

SHOWN = "account { roles status student { name email } instructor { name } }"


async def _session(database: Database, account: Doc) -> Doc:
    session: Doc = {"accountId": account["_id"], "endedAt": None}
    await database["sessions"].insert_one(session)
    return session


async def _has_ended(database: Database, session: Doc) -> bool:
    return (await current(database, "sessions", session))["endedAt"] is not None


async def test_added_roles_get_their_student_and_instructor(gateway: Gateway, database: Database) -> None:
    root, ada = factories.account("Root", roles=["STAFF"]), factories.account("Ada", roles=["STAFF"])
    await stored(database, accounts=[root, ada])
    session = await _session(database, ada)
    roles = ["STAFF", "INSTRUCTOR", "STUDENT"]
    for _ in range(2):
        payload = await gateway.done(STAFF, "updateAccount", SHOWN, accountId=account_id(ada), roles=roles)
        assert payload["account"] == {
            "roles": ["STUDENT", "INSTRUCTOR", "STAFF"],
            "status": "ACTIVE",
            "student": {"name": "Ada", "email": "ada@example.org"},
            "instructor": {"name": "Ada"},
        }
    assert not await _has_ended(database, session)
    assert await database["students"].count_documents({}) == 1
    assert await database["auditLog"].count_documents({}) == 1  # the second time, nothing changed


async def test_an_account_without_a_name_gets_people_without_its_address(
    gateway: Gateway, database: Database
) -> None:
    account = {**factories.account(), "name": None}
    await stored(database, accounts=[account])
    roles = ["STUDENT", "INSTRUCTOR"]
    await gateway.done(STAFF, "updateAccount", accountId=account_id(account), roles=roles)
    for collection, name in (("students", ANONYMOUS_STUDENT), ("instructors", "Instructor")):
        (person,) = await database[collection].find().to_list(None)
        assert person["name"] == name


async def test_a_removed_role_ends_the_sessions(gateway: Gateway, database: Database) -> None:
    ada, bob = (factories.account(name, roles=["STUDENT", "INSTRUCTOR"]) for name in ("Ada", "Bob"))
    await stored(database, accounts=[ada, bob])
    session, other = await _session(database, ada), await _session(database, bob)
    await gateway.done(STAFF, "updateAccount", accountId=account_id(ada), roles=[])
    assert (await current(database, "accounts", ada))["roles"] == []
    assert await _has_ended(database, session)
    assert not await _has_ended(database, other)


async def test_a_deactivated_account_keeps_its_roles(gateway: Gateway, database: Database) -> None:
    ada = factories.account("Ada", roles=["STUDENT"], reset={"digest": b"d", "expiresAt": factories.T0})
    await stored(database, accounts=[ada])
    session = await _session(database, ada)
    target = {"accountId": account_id(ada)}
    payload = await gateway.done(STAFF, "updateAccount", SHOWN, **target, status="DEACTIVATED")
    assert (payload["account"]["status"], payload["account"]["roles"]) == ("DEACTIVATED", ["STUDENT"])
    assert await _has_ended(database, session)
    assert (await current(database, "accounts", ada))["reset"] is None
    payload = await gateway.done(STAFF, "updateAccount", SHOWN, **target, status="ACTIVE")
    assert payload["account"]["status"] == "ACTIVE"


async def test_an_account_without_a_status_is_active(gateway: Gateway, database: Database) -> None:
    ada = factories.account("Ada")
    await stored(database, accounts=[ada])
    payload = await gateway.done(STAFF, "updateAccount", SHOWN, accountId=account_id(ada), status="ACTIVE")
    assert payload["account"]["status"] == "ACTIVE"
    assert "status" not in await current(database, "accounts", ada)


@pytest.mark.parametrize("change", [{"roles": ["STUDENT"]}, {"status": "DEACTIVATED"}])
@pytest.mark.parametrize(
    ("others", "is_last"),
    [
        ([], True),
        ([{"roles": ["STUDENT", "INSTRUCTOR"]}], True),
        ([{"roles": ["STAFF"], "status": "DEACTIVATED"}], True),
        ([{"roles": ["STAFF"]}], False),
        ([{"roles": ["STUDENT", "STAFF"], "status": "ACTIVE"}], False),
    ],
)
async def test_the_last_staff_stays(
    gateway: Gateway, database: Database, change: Doc, others: list[Doc], *, is_last: bool
) -> None:
    ada = factories.account("Ada", roles=["STAFF"])
    await stored(
        database, accounts=[ada, *(factories.account(f"Other{n}", **of) for n, of in enumerate(others))]
    )
    codes = await gateway.codes(STAFF, "updateAccount", accountId=account_id(ada), **change)
    assert codes == ([("CONFLICT",)] if is_last else [])
    assert (await current(database, "accounts", ada) == ada) is is_last
    assert await database["auditLog"].count_documents({}) == (not is_last)


async def test_an_account_that_isnt_active_staff_can_always_be_changed(
    gateway: Gateway, database: Database
) -> None:
    ada = factories.account("Ada", roles=["STUDENT"])
    bob = factories.account("Bob", roles=["STAFF"], status="DEACTIVATED")
    await stored(database, accounts=[ada, bob])
    await gateway.done(STAFF, "updateAccount", accountId=account_id(ada), status="DEACTIVATED")
    await gateway.done(STAFF, "updateAccount", accountId=account_id(bob), roles=[])


async def test_two_staff_who_demote_each_other_at_once_dont_both_succeed(database: Database) -> None:
    accounts = [factories.account(name, roles=["STAFF"]) for name in ("Ada", "Bob")]
    await stored(database, accounts=accounts)
    refused: list[str] = []

    def demotes(account: Doc) -> Value:
        async def work(tx: Transaction) -> None:
            found: AccountDoc | None = await tx.get("accounts", account["_id"])
            assert found
            try:
                await set_roles(tx, found, [])
            except LastStaffError:
                refused.append(found["email"])

        return work

    await at_once(database, *(demotes(account) for account in accounts))
    assert len(refused) == 1
    staff = await database["accounts"].find({"roles": "STAFF"}).to_list(None)
    assert [account["email"] for account in staff] == refused


async def test_of_many_staff_who_are_deactivated_at_once_one_stays(
    gateway: Gateway, database: Database
) -> None:
    accounts = [factories.account(f"Staff{n}", roles=["STAFF"]) for n in range(6)]
    await stored(database, accounts=accounts)
    codes = await gather(
        *(
            gateway.codes(STAFF, "updateAccount", accountId=account_id(account), status="DEACTIVATED")
            for account in accounts
        )
    )
    assert sorted(codes) == [[]] * 5 + [[("CONFLICT",)]]
    assert await database["accounts"].count_documents({"status": "DEACTIVATED"}) == 5


async def test_a_second_instructor_of_the_same_name_is_refused(gateway: Gateway, database: Database) -> None:
    """Unless each instructor of the name has an account."""
    grace = factories.instructor("Gracé")
    ada = factories.account("grace", roles=["STUDENT"])
    await stored(database, instructors=[grace], accounts=[ada])
    target = {"accountId": account_id(ada), "roles": ["INSTRUCTOR"]}
    payload = await gateway.write(STAFF, "updateAccount", **target)
    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "roles"])
    assert error["message"].startswith("The instructor Gracé has no account yet.")
    await stored(database, accounts=[factories.account("Other", instructorId=grace["_id"])])
    await gateway.done(STAFF, "updateAccount", **target)
    assert await database["instructors"].count_documents({}) == 2


async def test_an_unknown_account_is_not_found(gateway: Gateway, database: Database) -> None:
    nobody = account_id(factories.account())
    assert await gateway.codes(STAFF, "updateAccount", accountId=nobody, roles=[]) == [
        ("NOT_FOUND", "accountId")
    ]
    assert await gateway.codes(STAFF, "updateAccount", accountId="nothing") == [("NOT_FOUND", "accountId")]


async def test_null_is_refused(gateway: Gateway, database: Database) -> None:
    ada = factories.account()
    await stored(database, accounts=[ada])
    codes = await gateway.codes(STAFF, "updateAccount", accountId=account_id(ada), roles=None, status=None)
    assert codes == [("INVALID", "roles"), ("INVALID", "status")]


async def test_what_is_kept_for_retries_has_no_secrets(gateway: Gateway, database: Database) -> None:
    hash_, digest = "the hash of a password", b"the digest of a reset link"
    ada, person = factories.account(passwordHash=hash_, signUpKey="a key"), factories.student("Ada")
    ada["reset"] = {"digest": digest, "expiresAt": factories.T0}
    await stored(database, accounts=[ada], students=[person])
    target = {"accountId": account_id(ada), "idempotencyKey": "1"}
    await gateway.done(STAFF, "updateAccount", **target, roles=["STAFF"])
    person_input = {"studentId": encode_id("Student", person)}
    await gateway.done(STAFF, "linkAccount", **{**target, "idempotencyKey": "2"}, person=person_input)
    kept = await database["idempotencyKeys"].find().to_list(None)
    assert len(kept) == 2
    for secret in (hash_, str(digest), "a key"):
        assert secret not in str(kept)


async def test_a_students_new_name_is_that_of_their_account(gateway: Gateway, database: Database) -> None:
    student = factories.student("Ada")
    own, other = factories.account("Ada", studentId=student["_id"]), factories.account("Bob")
    await stored(database, students=[student], accounts=[own, other])
    await gateway.done(as_student(student), "updateProfile", name="Zoë Zucker")
    changed = await current(database, "accounts", own)
    assert (changed["name"], changed["sortName"]) == ("Zoë Zucker", "zoe zucker")
    assert changed["searchTerms"] == ["zoe", "zucker"]
    assert await current(database, "accounts", other) == other
