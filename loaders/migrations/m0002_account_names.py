"""Migration 2: gives accounts names, and the sort keys and search terms that follow from the names.

The name is that of the account's student or, failing that, of its instructor. Accounts that were created with
`lectern account create` have a name already, and keep it.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from loaders.collections import COLLECTIONS, derived
from loaders.migrations.migration import Migration, Step, attempted, different
from loaders.mongo import Database, Document, Fields, Value, find

_ACCOUNTS = COLLECTIONS["accounts"]


async def _named_accounts(database: Database, accounts: Sequence[Document]) -> list[Fields | None]:
    unnamed = [account for account in accounts if not account.get("name")]
    students = await _names(database, "students", [account.get("studentId") for account in unnamed])
    instructors = await _names(database, "instructors", [account.get("instructorId") for account in unnamed])
    named = partial(_named, students=students, instructors=instructors)
    return [attempted(named, account) for account in accounts]


def _named(account: Document, students: Mapping[Value, str], instructors: Mapping[Value, str]) -> Fields:
    name = (
        account.get("name")
        or students.get(account.get("studentId"))
        or instructors.get(account.get("instructorId"))
    )
    fields: Document = {"name": name} if name else {}
    return different(account, {**fields, **derived("accounts", {**account, **fields})})


async def _names(database: Database, collection: str, ids: Sequence[Value]) -> dict[Value, str]:
    wanted = [key for key in ids if key is not None]
    if not wanted:
        return {}
    found = await find(
        database[collection], {"_id": {"$in": wanted}}, size=len(wanted), projection={"name": 1}
    )
    return {person["_id"]: person["name"] for person in found if isinstance(person.get("name"), str)}


MIGRATION = Migration(
    2,
    "names of accounts, to list and search them",
    (
        Step(
            "accounts",
            _ACCOUNTS.derived_from | {"studentId", "instructorId"},
            _ACCOUNTS.derived,
            _named_accounts,
            size=500,
        ),
    ),
)
