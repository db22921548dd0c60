"""The list of accounts, and the search for accounts and students by e-mail address."""

from typing import Any

import pytest

from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from tests import factories
from tests.factories import DAY, T0, store
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
LIST = "query($filter: AccountFilter) { accounts(filter: $filter) { totalCount nodes { name } } }"


async def _names(run_query: RunQuery, **filter: Any) -> list[str]:
    found = (await run_query(LIST, {"filter": filter}, viewer=STAFF))["accounts"]
    assert found["totalCount"] == len(found["nodes"])
    return [account["name"] for account in found["nodes"]]


@pytest.fixture
async def accounts(database: Database) -> None:
    await store(
        database,
        accounts=[
            factories.account("Łucja Nowak", email="lucja@example.org", roles=["STAFF", "STUDENT"]),
            factories.account("Ann Lee", email="ann@example.org", roles=["STUDENT"], status="ACTIVE"),
            factories.account("Ann Ng", email="ng@example.org", roles=["INSTRUCTOR"], status="DEACTIVATED"),
            factories.account("Bo", email="ann@example.com", roles=[]),
        ],
    )


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({}, ["Ann Lee", "Ann Ng", "Bo", "Łucja Nowak"]),
        ({"search": " "}, ["Ann Lee", "Ann Ng", "Bo", "Łucja Nowak"]),
        ({"search": "ann"}, ["Ann Lee", "Ann Ng"]),
        ({"search": "lee ANN"}, ["Ann Lee"]),
        ({"search": "lucj"}, ["Łucja Nowak"]),
        ({"search": "example"}, []),
        ({"search": " Ann@Example.org "}, ["Ann Lee"]),
        ({"search": "ann@example"}, []),
        ({"search": "!"}, []),
        ({"roles": ["STAFF", "INSTRUCTOR"]}, ["Ann Ng", "Łucja Nowak"]),
        ({"roles": []}, []),
        ({"statuses": ["ACTIVE"]}, ["Ann Lee", "Bo", "Łucja Nowak"]),
        ({"statuses": ["DEACTIVATED"]}, ["Ann Ng"]),
        ({"statuses": []}, []),
        ({"search": "ann", "roles": ["STUDENT"], "statuses": ["ACTIVE"]}, ["Ann Lee"]),
    ],
)
async def test_accounts_are_found_by_name_address_role_and_status(
    run_query: RunQuery, filter: dict[str, Any], names: list[str]
) -> None:
    assert await _names(run_query, **filter) == names


@pytest.mark.usefixtures("accounts")
async def test_only_staff_see_accounts(run_query: RunQuery) -> None:
    others = (PUBLIC, *(Viewer(frozenset({role}), subject="s") for role in ("STUDENT", "INSTRUCTOR")))
    for viewer in others:
        found = (await run_query(LIST, {"filter": {"search": "ann@example.org"}}, viewer=viewer))["accounts"]
        assert found == {"totalCount": 0, "nodes": []}


async def test_an_account_tells_all_there_is(database: Database, run_query: RunQuery) -> None:
    ada, grace = factories.student("Ada"), factories.instructor("Grace")
    account = factories.account(
        "Ada", roles=["STUDENT", "INSTRUCTOR"], status="DEACTIVATED", studentId=ada["_id"],
        instructorId=grace["_id"], signedInAt=T0 + DAY, seenAt=T0 + 2 * DAY, emailVerifiedAt=T0,
    )  # fmt: skip
    bare = factories.account(email="old@example.org")
    for name in ("name", "sortName", "searchTerms"):  # as before migration 2
        del bare[name]
    await store(database, accounts=[account, bare], students=[ada], instructors=[grace])
    query = """{ accounts { nodes { email emailVerified name roles status student { name }
      instructor { name } createdAt lastSeenAt } } }"""
    assert (await run_query(query, viewer=STAFF))["accounts"]["nodes"] == [
        {
            "email": "old@example.org", "emailVerified": False, "name": "old@example.org", "roles": [],
            "status": "ACTIVE", "student": None, "instructor": None, "createdAt": "2026-01-01T00:00:00Z",
            "lastSeenAt": None,
        },
        {
            "email": "ada@example.org", "emailVerified": True, "name": "Ada",
            "roles": ["STUDENT", "INSTRUCTOR"], "status": "DEACTIVATED", "student": {"name": "Ada"},
            "instructor": {"name": "Grace"}, "createdAt": "2026-01-01T00:00:00Z",
            "lastSeenAt": "2026-01-03T00:00:00Z",
        },
    ]  # fmt: skip


async def test_a_page_takes_one_command_for_each_kind_of_person(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    students = [factories.student() for _ in range(5)]
    people = [factories.account(f"A{n}", studentId=of["_id"]) for n, of in enumerate(students)]
    teachers = [factories.instructor() for _ in range(5)]
    people += [factories.account(f"B{n}", instructorId=of["_id"]) for n, of in enumerate(teachers)]
    await store(database, accounts=people, students=students, instructors=teachers)
    mongo_commands.clear()
    query = "{ accounts { nodes { name lastSeenAt student { name } instructor { name } } } }"
    await run_query(query, viewer=STAFF)
    assert sorted(mongo_commands) == ["find accounts", "find instructors", "find students"]


async def test_pages_reach_every_account_once(database: Database, run_query: RunQuery) -> None:
    """Also those that have no sort key, because migration 2 hasn't reached them."""
    people = [factories.account(f"Person {n}") for n in range(7)]
    for person in people[::3]:
        del person["sortName"]
    await store(database, accounts=people)
    query = """query($after: String) { accounts(first: 2, after: $after) {
      nodes { name } pageInfo { hasNextPage endCursor } } }"""
    names: list[str] = []
    after, more = None, True
    while more:
        page = (await run_query(query, {"after": after}, viewer=STAFF))["accounts"]
        names += [account["name"] for account in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert sorted(names) == sorted(person["name"] for person in people)


async def test_students_are_found_by_their_address(
    database: Database, run_query: RunQuery, mongo_commands: list[str]
) -> None:
    """In lower case, or as an import has stored it."""
    made = [
        factories.student("Ada", email="ada@example.org"),
        factories.student("Bob", email="Ada@Example.org"),
        factories.student("Cy"),
    ]
    await store(database, students=made)
    query = "query($email: String) { students(filter: {email: $email}) { totalCount nodes { name } } }"
    for email, names in (
        ("ada@example.org", ["Ada"]), (" Ada@Example.org", ["Ada", "Bob"]), ("ADA@example.org", ["Ada"]),
        ("ada", []), ("", []), (None, ["Ada", "Bob", "Cy"]),
    ):  # fmt: skip
        found = (await run_query(query, {"email": email}, viewer=STAFF))["students"]
        assert [student["name"] for student in found["nodes"]] == names
        assert found["totalCount"] == len(names)
        assert (await run_query(query, {"email": email}))["students"]["nodes"] == []
    told = await database.driver.command("explain", {"find": "students", "filter": {"email": "a@b.example"}})
    assert "email_1" in str(told["queryPlanner"]["winningPlan"])
