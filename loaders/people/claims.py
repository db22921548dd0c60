"""Claims: a verified address gives an account the student that an import brought with this address."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from bson import ObjectId

import loaders.audit
from loaders import accounts
from loaders.model import ANONYMOUS_STUDENT, AccountDoc, StudentDoc
from loaders.mongo import (
    Database,
    Document,
    Filter,
    Pipeline,
    Transaction,
    aggregate,
    find,
)
from loaders.people.merging import begin_merge, finish_merges
from loaders.reading import fit, fitted_transaction

_BATCH = 500  # accounts that are read at once
_MANY = 10  # students with an address that are looked at; one of them is claimed, several are not


async def claim(tx: Transaction, account: AccountDoc, *, imported_stays: bool = False) -> bool:
    """Gives an account the imported student with its address, if the address is verified.

    Returns whether there was one.

    Nothing happens unless there is exactly one other student with the address, and that student has no
    account. If the account has a student of its own, the two are merged; the merge is only begun (see
    merging). Both can't have an external id, because the next import would need both. The account gets the
    role STUDENT if it lacks it.

    imported_stays: whether the account's own student is merged into the imported one, instead of the other
    way round. Access tokens that were issued before then don't show what is claimed.
    """
    if not account.get("emailVerifiedAt"):
        return False
    others = [one for one in await by_address(tx, account["email"]) if one["_id"] != account["studentId"]]
    if len(others) != 1 or await accounts.by_student(tx, others[0]["_id"]):
        return False
    imported, roles = others[0], accounts.ordered([*account["roles"], "STUDENT"])
    if account["studentId"] is None:
        await tx.hold("students", imported["_id"])  # nobody else may merge or take them at the same time
        await accounts.change(tx, account, studentId=imported["_id"], roles=roles)
        return True
    own: StudentDoc | None = await tx.get("students", account["studentId"])
    if own is None or (own.get("externalId") and imported.get("externalId")):
        return False
    if imported_stays:
        name = {} if imported["name"] == ANONYMOUS_STUDENT else {"name": imported["name"]}
        await accounts.change(tx, account, studentId=imported["_id"], roles=roles, **name)
        await begin_merge(tx, imported, own)
    else:
        await accounts.change(tx, account, roles=roles)
        await begin_merge(tx, own, imported)
    return True


async def claim_imported(database: Database) -> int:
    """Claims the students of an import for all accounts whose address was verified before.

    Returns the number of claims. Sends two commands for 500 accounts, and a few for each claim.
    """
    number, last = 0, ObjectId("0" * 24)
    query = {"emailVerifiedAt": {"$type": "date"}}
    while batch := await _accounts(database, {**query, "_id": {"$gt": last}}):
        last = batch[-1]["_id"]
        emails = {"email": {"$in": [account["email"] for account in batch]}}
        students = await find(database["students"], emails, size=_BATCH * _MANY, projection={"email": 1})
        pairs = {(one["email"], one["_id"]) for one in students}
        own = {(account["email"], account["studentId"]) for account in batch}
        others = {email for email, _ in pairs - own}
        for account in batch:
            if account["email"] in others:
                number += await fitted_transaction(database, partial(_claim_for, account_id=account["_id"]))
    await finish_merges(database, "import")
    return number


async def _accounts(database: Database, query: Filter) -> list[Document]:
    fields = {"email": 1, "studentId": 1}
    found = await find(
        database["accounts"], query, size=_BATCH, limit=_BATCH, sort=[("_id", 1)], projection=fields
    )
    return fit("accounts", found, list(fields))


async def _claim_for(tx: Transaction, account_id: ObjectId) -> bool:
    account = await accounts.by_id(tx, account_id)
    claimed = account is not None and await claim(tx, account)
    if tx.changes:
        await loaders.audit.record(tx, "import", loaders.audit.OPERATOR, "")
    return claimed


class SharedAddresses(NamedTuple):
    """The number of students who share their e-mail address with another, and one such address."""

    students: int
    example: str


async def shared_addresses(database: Database) -> SharedAddresses | None:
    """Counts the students whom nobody can claim, because another student has their address.

    Returns None if there are none. Reads the index on addresses, not the students.
    """
    pipeline: Pipeline = [
        {"$match": {"email": {"$gt": ""}}},
        {"$group": {"_id": "$email", "n": {"$sum": 1}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$group": {"_id": None, "n": {"$sum": "$n"}, "example": {"$min": "$_id"}}},
    ]
    rows = await aggregate(database["students"], pipeline, size=1)
    return SharedAddresses(rows[0]["n"], rows[0]["example"]) if rows else None


async def by_address(tx: Transaction, email: str) -> Sequence[StudentDoc]:
    """Returns the students with an e-mail address, which must be in lower case."""
    return await tx.find("students", {"email": {"$eq": email}}, size=_MANY, limit=_MANY)
