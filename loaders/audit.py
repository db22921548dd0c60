"""The audit log: who changed what, when and from where. It is only ever added to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.model import MOST_CHANGES, ActorDoc, ChangeDoc
from loaders.mongo import Change, Database, Filter, Transaction, utc
from loaders.reading import Listing, Order


async def record(tx: Transaction, action: str, actor: ActorDoc, address: str) -> None:
    """Adds an entry of what a transaction has changed, to be committed with it; several where it is much. One
    command.
    """
    changes = [told for change in tx.changes if (told := _told(change))]
    entry = {"at": tx.now, "action": action, "actor": actor, "address": address}
    starts = range(0, max(1, len(changes)), MOST_CHANGES)
    await tx.insert_all(
        "auditLog", [{**entry, "changes": changes[start : start + MOST_CHANGES]} for start in starts]
    )


def listing(
    database: Database, actions: Sequence[str] | None, subject: str | None, target: ObjectId | None
) -> Listing:
    """The entries of some actions, by an actor, about a document; None: any. The latest first."""
    parts: dict[str, Filter] = {}
    if actions is not None:
        parts["actions"] = {"action": {"$in": list(actions)}}
    if subject is not None:
        parts["subject"] = {"actor.subject": {"$eq": subject}}
    if target is not None:
        parts["target"] = {"changes.documentId": str(target)}
    return Listing(database["auditLog"], parts, Order("at", descending=True))


def _told(change: Change) -> ChangeDoc | None:
    row = COLLECTIONS[change.collection]
    left_out = row.left_out_of_audit | {"_id"}
    before, after = (
        {
            name: _secret(value) if name in row.secret else _plain(value)
            for name, value in document.items()
            if name not in left_out
        }
        if document is not None
        else None
        for document in (change.before, change.after)
    )
    if before == after == {}:
        return None
    return {"collection": change.collection, "documentId": _name(change.id), "before": before, "after": after}


def _name(id: Any) -> str:
    """That of a vote has two parts."""
    return " ".join(map(str, id.values())) if isinstance(id, Mapping) else str(id)


def _secret(value: Any) -> str | None:
    return None if value is None else "(secret)"


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime):
        return utc(value).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"  # as the API has them
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
