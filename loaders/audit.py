"""The audit log records who changed what, when and from where. Entries are only ever added."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.model import MOST_CHANGES, ActorDoc, ChangeDoc
from loaders.mongo import Change, Database, Filter, Transaction, Value, utc
from loaders.reading import Listing, Order

#: The actor that is recorded for changes made on the command line.
OPERATOR: ActorDoc = {"subject": "command line", "roles": [], "studentId": None, "instructorId": None}


async def record(tx: Transaction, action: str, actor: ActorDoc, address: str) -> None:
    """Adds an audit entry for a transaction's changes. Sends one command.

    The entry is committed together with the changes. More than MOST_CHANGES changes are split into several
    entries.
    """
    changes = [entry_change for change in tx.changes if (entry_change := _audited(change))]
    entry = {"at": tx.now, "action": action, "actor": actor, "address": address}
    starts = range(0, max(1, len(changes)), MOST_CHANGES)
    await tx.insert_all(
        "auditLog", [{**entry, "changes": changes[start : start + MOST_CHANGES]} for start in starts]
    )


def listing(
    database: Database, actions: Sequence[str] | None, subject: str | None, target: ObjectId | None
) -> Listing:
    """Lists audit entries, latest first, filtered by action, actor and changed document.

    A filter that is None matches everything. subject: the actor's `subject` (see ActorDoc). target: the
    `_id` of a document that was changed.
    """
    parts: dict[str, Filter] = {}
    if actions is not None:
        parts["actions"] = {"action": {"$in": list(actions)}}
    if subject is not None:
        parts["subject"] = {"actor.subject": {"$eq": subject}}
    if target is not None:
        parts["target"] = {"changes.documentId": str(target)}
    return Listing(database["auditLog"], parts, Order("at", descending=True))


def _audited(change: Change) -> ChangeDoc | None:
    """Converts a change to the form stored in an audit entry.

    Returns None if the change affects only fields that the audit log leaves out.
    """
    row = COLLECTIONS[change.collection]
    left_out = row.left_out_of_audit | {"_id"}
    before, after = (
        {
            name: _hidden(value) if name in row.secret else _json(value)
            for name, value in document.items()
            if name not in left_out
        }
        if document is not None
        else None
        for document in (change.before, change.after)
    )
    if before == after == {}:
        return None
    document_id = _id_text(change.id)
    return {"collection": change.collection, "documentId": document_id, "before": before, "after": after}


def _id_text(id: Value) -> str:
    """Converts an `_id` to text. A vote's `_id` has two parts, which are joined by a space."""
    return " ".join(map(str, id.values())) if isinstance(id, Mapping) else str(id)


def _hidden(value: Value) -> str | None:
    return None if value is None else "(secret)"


def _json(value: Value) -> Value:
    """Converts a value to something that JSON can represent."""
    if isinstance(value, datetime):
        return utc(value).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
