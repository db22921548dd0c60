"""The e-mail addresses that a person has, or has had."""

from collections.abc import Sequence

from bson import ObjectId

from loaders.model import AccountDoc, StudentDoc
from loaders.mongo import Document, Filter, Transaction

_MOST_LINKS = 1_000  # links that haven't expired: those who ask for them are limited
_MOST_ENTRIES = 1_000  # audit entries with an address, the latest first
_IS_TEXT: Filter = {"$type": "string"}


async def addresses(
    tx: Transaction, student: StudentDoc | None, account: AccountDoc | None, ids: Sequence[ObjectId]
) -> list[str]:
    """Returns the present addresses of a person, those of their links, and those that the audit log has.

    ids: of their students and of their account.
    """
    found = {one["email"] for one in (student, account) if one and one["email"]}
    if account:
        query = {"accountId": account["_id"]}
        tokens = await tx.find("accountTokens", query, size=_MOST_LINKS, limit=_MOST_LINKS)
        found |= {token["email"] for token in tokens}
    return sorted(found | await _audited(tx, {str(one) for one in ids}))


async def _audited(tx: Transaction, ids: set[str]) -> set[str]:
    has_address = {"$or": [{"before.email": _IS_TEXT}, {"after.email": _IS_TEXT}]}
    entries = await tx.find(
        "auditLog",
        {"changes": {"$elemMatch": {"documentId": {"$in": sorted(ids)}, **has_address}}},
        size=_MOST_ENTRIES, limit=_MOST_ENTRIES, sort=[("at", -1)], projection={"changes": 1},
    )  # fmt: skip
    changes: list[Document] = [change for entry in entries for change in entry["changes"]]
    sides = [change[side] or {} for change in changes if change["documentId"] in ids for side in _SIDES]
    return {side["email"] for side in sides if side.get("email")}


_SIDES = ("before", "after")
