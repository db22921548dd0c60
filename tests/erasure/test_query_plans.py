"""An erasure reads no collection as a whole: the audit log alone can have millions of entries."""

from loaders.mongo import Database
from tests.erasure.person import Person
from tests.erasure.test_late_writes import begun, erase, erase_again

#: Collections with few documents: unfinished erasures, and at most 200 kept messages.
_SMALL = {"erasures", "devMail"}


async def test_every_query_uses_an_index(person: Person, database: Database) -> None:
    await begun(person)
    name = database.driver.name
    await database.driver.command("profile", 2)
    try:
        await erase(person)
        await erase_again(database)
    finally:
        await database.driver.command("profile", 0)
    entries = await database.driver["system.profile"].find({"planSummary": {"$exists": True}}).to_list(None)
    await database.driver.drop_collection("system.profile")
    scanned = {
        entry["ns"].removeprefix(f"{name}.") for entry in entries if "COLLSCAN" in entry["planSummary"]
    }
    assert {entry["ns"].removeprefix(f"{name}.") for entry in entries} >= {"auditLog", "reviews", "outbox"}
    assert scanned <= _SMALL
