"""Accounts that are linked to the students and instructors whom an import has brought."""

import json
from asyncio import create_task, gather
from functools import partial

import pytest
from bson import ObjectId

from app.commands.people import account_changes
from loaders import enrollment
from loaders.mongo import Database, Transaction, transaction
from loaders.people import LinkError, claim, finish_merges, link_student
from loaders.problems import misfits
from resolvers.relay import encode_id
from tests import factories
from tests.writes.support import STAFF, Doc, Gateway, account_id, at_once, current, stored

SHOWN = "account { name roles student { name } instructor { name } }"


def student_id(student: Doc) -> str:
    return encode_id("Student", student)


def instructor_id(instructor: Doc) -> str:
    return encode_id("Instructor", instructor)


async def test_an_account_gets_an_imported_student(gateway: Gateway, database: Database) -> None:
    imported = factories.student("Ada L.", externalId={"source": "school", "id": "1"})
    account = factories.account("Ada", roles=["STAFF"])
    await stored(database, students=[imported], accounts=[account])
    target = {"accountId": account_id(account), "person": {"studentId": student_id(imported)}}
    for _ in range(2):
        payload = await gateway.done(STAFF, "linkAccount", SHOWN, **target)
        assert payload["account"] == {
            "name": "Ada", "roles": ["STUDENT", "STAFF"], "student": {"name": "Ada L."}, "instructor": None,
        }  # fmt: skip
    assert await current(database, "students", imported) == {**imported, "revision": 1}  # it was held
    assert await database["auditLog"].count_documents({}) == 1


async def test_an_account_gets_an_imported_instructor(gateway: Gateway, database: Database) -> None:
    imported, former = factories.instructor("Grace"), factories.instructor("Grace")
    account = factories.account("Ada", roles=["STUDENT"])
    other = factories.account("Bob", roles=["INSTRUCTOR"], instructorId=former["_id"])
    await stored(database, instructors=[imported, former], accounts=[account, other])
    await database["sessions"].insert_one({"accountId": account["_id"], "endedAt": None})
    person = {"instructorId": instructor_id(imported)}
    payload = await gateway.done(STAFF, "linkAccount", SHOWN, accountId=account_id(account), person=person)
    assert payload["account"]["roles"] == ["STUDENT", "INSTRUCTOR"]
    assert payload["account"]["instructor"] == {"name": "Grace"}
    assert await database["sessions"].count_documents({"endedAt": None}) == 1


async def test_an_instructor_without_courses_is_replaced(gateway: Gateway, database: Database) -> None:
    """Sessions end, because their access tokens contain the former instructor."""
    imported, own = factories.instructor("Grace"), factories.instructor("Grace")
    account = factories.account(roles=["INSTRUCTOR"], instructorId=own["_id"])
    course = factories.course(instructorIds=[own["_id"]])
    await stored(database, instructors=[imported, own], accounts=[account], courses=[course])
    await database["sessions"].insert_one({"accountId": account["_id"], "endedAt": None})
    target = {"accountId": account_id(account), "person": {"instructorId": instructor_id(imported)}}
    payload = await gateway.write(STAFF, "linkAccount", **target)
    (error,) = payload["errors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "person", "instructorId"])
    assert error["message"].endswith("make those courses Grace's first.")
    await database["courses"].update_one({}, {"$set": {"instructorIds": [imported["_id"]]}})
    await gateway.done(STAFF, "linkAccount", **target)
    assert (await current(database, "accounts", account))["instructorId"] == imported["_id"]
    assert await database["sessions"].count_documents({"endedAt": None}) == 0


async def test_a_person_has_one_account(gateway: Gateway, database: Database) -> None:
    student, instructor = factories.student("Ada"), factories.instructor("Grace")
    account = factories.account("Eve")
    taken = factories.account("Ada", studentId=student["_id"], instructorId=instructor["_id"])
    await stored(database, students=[student], instructors=[instructor], accounts=[account, taken])
    for field, person, name in (
        ("studentId", student_id(student), "Ada"),
        ("instructorId", instructor_id(instructor), "Grace"),
    ):
        payload = await gateway.write(
            STAFF, "linkAccount", accountId=account_id(account), person={field: person}
        )
        assert [(error["code"], error["path"], error["message"]) for error in payload["errors"]] == [
            ("CONFLICT", ["input", "person", field], f"{name} already has an account: ada@example.org.")
        ]
    assert await current(database, "accounts", account) == account


async def test_an_imported_student_is_merged_into_the_accounts_own(
    gateway: Gateway, database: Database
) -> None:
    own, imported = (
        factories.student("Ada"),
        factories.student("Ada L.", country="DE", externalId={"source": "school", "id": "1"}),
    )
    account = factories.account(studentId=own["_id"], roles=["STUDENT"])
    course = factories.course()
    place, review = factories.enrollment(course, imported), factories.review(course, imported)
    await stored(
        database, students=[own, imported], accounts=[account], courses=[course], enrollments=[place],
        reviews=[review],
    )  # fmt: skip
    target = {"accountId": account_id(account), "person": {"studentId": student_id(imported)}}
    payload = await gateway.done(STAFF, "linkAccount", SHOWN, **target)
    assert payload["account"]["student"] == {"name": "Ada"}
    (stays,) = await database["students"].find().to_list(None)
    assert (stays["_id"], stays["country"], stays["externalId"]) == (
        own["_id"], "DE", {"source": "school", "id": "1"},
    )  # fmt: skip
    for collection, moved in (("enrollments", place), ("reviews", review)):
        assert (await current(database, collection, moved))["studentId"] == own["_id"]


async def test_two_imported_students_arent_merged(gateway: Gateway, database: Database) -> None:
    own, imported = (factories.student("Ada", externalId={"source": "s", "id": id_}) for id_ in "12")
    account = factories.account(studentId=own["_id"], roles=["STUDENT"])
    await stored(database, students=[own, imported], accounts=[account])
    target = {"accountId": account_id(account), "person": {"studentId": student_id(imported)}}
    assert await gateway.codes(STAFF, "linkAccount", **target) == [("CONFLICT", "person", "studentId")]
    assert await current(database, "students", imported) == imported


@pytest.mark.parametrize(
    "gone", [{"mergedInto": ObjectId()}, {"erasedAt": factories.T0}], ids=["merged", "erased"]
)
@pytest.mark.parametrize("has_student", [True, False])
async def test_a_student_who_is_gone_gets_no_account(
    gateway: Gateway, database: Database, gone: Doc, has_student: bool
) -> None:
    own, student = factories.student("Ada"), factories.student("Ada L.", **gone)
    account = factories.account(studentId=own["_id"] if has_student else None)
    await stored(database, students=[own, student], accounts=[account])
    target = {"accountId": account_id(account), "person": {"studentId": student_id(student)}}
    assert await gateway.codes(STAFF, "linkAccount", **target) == [("CONFLICT", "person", "studentId")]
    with pytest.raises(account_changes.AccountError, match=r"^Ada L\. (is being merged|has been erased)"):
        await account_changes.create(database, "new@example.org", None, ["STUDENT"], None, student["_id"])
    assert await current(database, "students", student) == student
    assert await database["accounts"].find().to_list(None) == [account]


@pytest.mark.parametrize("collection", ["students", "instructors"])
async def test_of_two_accounts_that_are_linked_to_a_person_at_once_one_is_refused(
    gateway: Gateway, database: Database, collection: str
) -> None:
    accounts = [factories.account(name) for name in ("Ada", "Bob")]
    person = factories.student() if collection == "students" else factories.instructor()
    await stored(database, accounts=accounts, **{collection: [person]})
    field = "studentId" if collection == "students" else "instructorId"
    own = {field: student_id(person) if collection == "students" else instructor_id(person)}
    codes = await gather(
        *(gateway.codes(STAFF, "linkAccount", accountId=account_id(of), person=own) for of in accounts)
    )
    assert sorted(codes) == [[], [("CONFLICT", "person", field)]]
    assert await database["accounts"].count_documents({field: person["_id"]}) == 1


@pytest.mark.parametrize("by", ["link", "claim"])
async def test_a_student_is_not_taken_and_merged_at_once(database: Database, by: str) -> None:
    """By an account without a student, and one with a student of its own."""
    own, imported = factories.student("Bob"), factories.student(email="ada@example.org")
    ada = factories.account("Ada", emailVerifiedAt=factories.T0)
    bob = factories.account("Bob", studentId=own["_id"], roles=["STUDENT"])
    await stored(database, students=[own, imported], accounts=[ada, bob])
    refused: list[str] = []

    async def takes(tx: Transaction) -> None:
        account, student = await tx.get("accounts", ada["_id"]), await tx.get("students", imported["_id"])
        if by == "claim":
            if not await claim(tx, account):
                refused.append("Ada")
            return
        try:
            await link_student(tx, account, student)
        except LinkError:
            refused.append("Ada")

    async def merges(tx: Transaction) -> None:
        account, student = await tx.get("accounts", bob["_id"]), await tx.get("students", imported["_id"])
        try:
            await link_student(tx, account, student)
        except LinkError:
            refused.append("Bob")

    await at_once(database, takes, merges)
    (loser,) = refused
    found = await current(database, "students", imported)
    account = await current(database, "accounts", ada)
    assert (account["studentId"] == imported["_id"]) is (loser == "Bob")
    assert (found.get("mergedInto") == own["_id"]) is (loser == "Ada")


@pytest.mark.parametrize("unique", ["studentId", "instructorId"])
async def test_a_person_is_found_by_the_index_that_keeps_them_unique(database: Database, unique: str) -> None:
    query = {"find": "accounts", "filter": {unique: factories.account()["_id"]}}
    told = await database.driver.command("explain", query)
    assert f"{unique}_1" in str(told["queryPlanner"]["winningPlan"])


async def test_unknown_people_are_not_found(gateway: Gateway, database: Database) -> None:
    account = factories.account()
    await stored(database, accounts=[account])
    own = {"accountId": account_id(account)}
    student, instructor = student_id(factories.student()), instructor_id(factories.instructor())
    for person in ({"studentId": student}, {"studentId": instructor}, {"studentId": "nothing"}):
        codes = await gateway.codes(STAFF, "linkAccount", **own, person=person)
        assert codes == [("NOT_FOUND", "person", "studentId")]
    codes = await gateway.codes(STAFF, "linkAccount", **own, person={"instructorId": instructor})
    assert codes == [("NOT_FOUND", "person", "instructorId")]
    nobody = account_id(factories.account())
    codes = await gateway.codes(STAFF, "linkAccount", accountId=nobody, person={"studentId": student})
    assert codes == [("NOT_FOUND", "accountId")]


ODD_PEOPLE: list[Doc] = [
    {}, {"studentId": "a", "instructorId": "b"}, {"studentId": None},
    {"studentId": "a", "instructorId": None},
]  # fmt: skip


@pytest.mark.parametrize("person", ODD_PEOPLE, ids=str)
async def test_exactly_one_person_is_given(gateway: Gateway, database: Database, person: Doc) -> None:
    """Both in a variable and in the text of an operation."""
    account = factories.account()
    await stored(database, accounts=[account])
    own = account_id(account)
    text = "mutation($input: LinkAccountInput!) { linkAccount(input: $input) { errors { code } } }"
    answer = await gateway.post(text, {"input": {"accountId": own, "person": person}}, STAFF)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    literal = ", ".join(f"{name}: {json.dumps(value)}" for name, value in person.items())
    text = f'{{ linkAccount(input: {{accountId: "{own}", person: {{{literal}}}}}) {{ errors {{ code }} }} }}'
    answer = await gateway.post(f"mutation {text}", {}, STAFF)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
    assert "\n" not in answer["errors"][0]["message"]


@pytest.mark.parametrize("values", [{}, {"person": None}, {"person": "id"}], ids=str)
@pytest.mark.parametrize("default", ["", ' = "x"'])
async def test_a_nullable_variable_is_refused_where_one_person_is_required(
    gateway: Gateway, database: Database, values: Doc, default: str
) -> None:
    account, person = factories.account(), factories.student()
    await stored(database, accounts=[account], students=[person])
    variables = {name: value and student_id(person) for name, value in values.items()}
    link = "linkAccount(input: {{accountId: {}, person: {{studentId: $person}}}}) {{ errors {{ code }} }}"
    link = link.format(json.dumps(account_id(account)))
    fragment = f"mutation($person: ID{default}) {{ ...F }} fragment F on Mutation {{ {link} }}"
    for text in (f"mutation($person: ID{default}) {{ {link} }}", fragment):
        answer = await gateway.post(text, variables, STAFF)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
        assert "'$person' must be non-nullable" in answer["errors"][0]["message"]
    done = await gateway.ask(f"mutation($person: ID!) {{ {link} }}", {"person": student_id(person)}, STAFF)
    assert done["linkAccount"]["errors"] == []


async def test_who_is_enrolled_while_being_merged_leaves_no_place_without_a_student(
    gateway: Gateway, database: Database
) -> None:
    own, imported = factories.student("Ada"), factories.student("Ada L.")
    account = factories.account("Ada", studentId=own["_id"], roles=["STUDENT"])
    course = factories.course()
    await stored(database, students=[own, imported], accounts=[account], courses=[course])

    async def merges() -> None:
        await transaction(database, partial(_link, account=account, imported=imported))
        await finish_merges(database, "test")

    found = []

    async def enrols(tx: Transaction) -> None:
        found.append(await tx.get("students", imported["_id"]))
        if len(found) == 1:
            await create_task(merges())  # in a transaction of its own, while this one is open
        if found[-1]:
            await enrollment.insert(
                tx, await tx.get("courses", course["_id"]), None, imported["_id"], "ACTIVE"
            )

    await transaction(database, enrols)
    assert found[-1] is None
    assert await database["enrollments"].count_documents({}) == 0


async def _link(tx: Transaction, account: Doc, imported: Doc) -> None:
    await link_student(
        tx, await tx.get("accounts", account["_id"]), await tx.get("students", imported["_id"])
    )


async def test_a_student_whose_external_id_has_moved_fits_the_model(database: Database) -> None:
    """So `lectern check` lists nobody who is being merged, or was erased."""
    own = factories.student("Ada")
    imported = factories.student("Ada L.", externalId={"source": "school", "id": "1"})
    account = factories.account("Ada", studentId=own["_id"], roles=["STUDENT"])
    await stored(database, students=[own, imported], accounts=[account])
    await transaction(database, partial(_link, account=account, imported=imported))
    assert (await current(database, "students", imported))["externalId"] is None
    assert [one async for one in misfits(database)] == []
    await finish_merges(database, "test")
