"""Migration 3: the e-mail addresses of students in lower case."""

from bson import ObjectId

from loaders.migrations import m0003_email_case, migration, runner
from loaders.mongo import Database
from tests import factories


async def test_addresses_become_lower_case_and_others_stay(database: Database) -> None:
    emails = ["Ada@Example.ORG ", "bob@example.org", None, 7]
    students = [factories.student(email=email) for email in emails]
    await database["students"].insert_many([*students, {"_id": ObjectId()}])
    (step,) = m0003_email_case.MIGRATION.steps
    assert isinstance(step, migration.Step)
    for _ in range(runner.PASSES):
        documents = await database["students"].find().to_list(None)
        await runner._change(database, step, documents)
    stored = await database["students"].find().sort("_id", 1).to_list(None)
    assert [one.get("email") for one in stored] == ["ada@example.org", "bob@example.org", None, 7, None]
