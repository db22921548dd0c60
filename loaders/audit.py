"""The audit log records who changed what, when and from where. Entries are only ever added."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import datetime

from bson import ObjectId

from loaders import student
from loaders.collections import COLLECTIONS
from loaders.model import MOST_CHANGES, ActorDoc, ChangeDoc
from loaders.mongo import Change, Database, Filter, Transaction, Value, find, find_one, now, send, utc
from loaders.reading import Listing, Order

#: The actor that is recorded for changes made on the command line.
OPERATOR: ActorDoc = {"subject": "command line", "roles": [], "studentId": None, "instructorId": None}

#: The actor that is recorded for what a gateway does later.
GATEWAY: ActorDoc = {**OPERATOR, "subject": "gateway"}

_MOST_SHARING = 100  # maximum number of students with one e-mail address whose entries are found


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


async def note(database: Database, action: str, changes: Sequence[ChangeDoc]) -> None:
    """Adds an audit entry for a command that has changed many documents, each in a transaction of its own.

    changes: what it has done in each collection, in place of the documents before and after.
    """
    entry = {"at": now(), "action": action, "actor": OPERATOR, "address": ""}
    starts = range(0, len(changes), MOST_CHANGES)
    entries = [{**entry, "changes": list(changes[start : start + MOST_CHANGES])} for start in starts]
    await send(database["auditLog"], "insert", lambda log: log.insert_many(entries))


def listing(
    database: Database,
    *,
    actions: Sequence[str] | None = None,
    subject: str | None = None,
    actors: Filter | None = None,
    target: ObjectId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Listing:
    """Lists audit entries, latest first, filtered by action, actor, changed document and time.

    A filter that is None matches everything. subject: the actor's `subject` (see ActorDoc). actors: see
    `actors_with`. target: the `_id` of a document that was changed. since, until: the times of the first
    entries that match, and of the first ones after these that don't.
    """
    parts: dict[str, Filter] = {}
    if actions is not None:
        parts["actions"] = {"action": {"$in": list(actions)}}
    if subject is not None:
        parts["subject"] = {"actor.subject": {"$eq": subject}}
    if actors is not None:
        parts["actors"] = actors
    if target is not None:
        parts["target"] = {"changes.documentId": str(target)}
    if since is not None:
        parts["since"] = {"at": {"$gte": since}}
    if until is not None:
        parts["until"] = {"at": {"$lt": until}}
    return Listing(database["auditLog"], parts, Order("at", descending=True))


async def actors_with(database: Database, email: str) -> Filter | None:
    """Returns a filter for the entries of everyone who has this e-mail address; None if nobody has it.

    It finds the account with the address, and people who sign in through an external issuer by their student.
    Sends two commands.
    """
    found = find_one(database["accounts"], {"email": {"$eq": email.lower()}}, projection={"_id": 1})
    own = student.by_email(email)
    students = find(database["students"], own, size=_MOST_SHARING, limit=_MOST_SHARING, projection={"_id": 1})
    account, same = await gather(found, students)
    ways: list[Filter] = []
    if account:
        ways.append({"actor.subject": str(account["_id"])})
    if same:
        ways.append({"actor.studentId": {"$in": [student["_id"] for student in same]}})
    return {"$or": ways} if ways else None


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
