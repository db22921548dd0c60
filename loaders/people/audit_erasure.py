"""Takes a person's values and network addresses out of the audit log; who did what and when stays."""

from collections.abc import Mapping, Sequence

from bson import ObjectId

from loaders.mongo import Document, Filter, Transaction
from loaders.people.erased_person import BLANK_REVIEW, HIDDEN, ErasedPerson

#: The number of entries that one transaction clears.
MOST_CLEARED = 200

#: The fields whose values are taken out, of the collections that have any.
_TEXTS: Mapping[str, Sequence[str]] = {
    "students": ("name", "email", "country", "bio", "avatarUrl", "externalId", "joinedAt"),
    "accounts": ("name", "email", "language"),
    "reviews": tuple(BLANK_REVIEW),
}
_SIDES = ("before", "after")


async def clear_audit_log(tx: Transaction, person: ErasedPerson) -> bool:
    """Clears the next entries. Returns whether there may be more."""
    students = list(person.student_ids)
    own: list[Filter] = [
        {"actor.studentId": {"$in": students}},
        {"changes.before.studentId": {"$in": [str(one) for one in students]}},
    ]
    if person.account_id:
        own.append({"actor.subject": str(person.account_id)})
    if await _clear_entries(tx, person, {str(one) for one in person.ids}, own):
        return True
    # Entries about reviews, such as a moderator's, of a page of reviews at a time.
    cleared_to = person.erasure.get("clearedTo")
    reviews = await tx.find(
        "reviews",
        {"studentId": {"$in": students}, **({"_id": {"$gt": cleared_to}} if cleared_to else {})},
        size=MOST_CLEARED, limit=MOST_CLEARED, sort=[("_id", 1)], projection={"_id": 1},
    )  # fmt: skip
    if not reviews:
        return False
    if await _clear_entries(tx, person, {str(review["_id"]) for review in reviews}, []):
        return True
    if len(reviews) < MOST_CLEARED:
        return False
    await tx.set("erasures", {"_id": person.erasure["_id"]}, {"clearedTo": reviews[-1]["_id"]})
    return True


async def _clear_entries(
    tx: Transaction, person: ErasedPerson, targets: set[str], actors: Sequence[Filter]
) -> bool:
    """Clears a batch of the entries about documents or by actors. Returns whether there may be more."""
    erasure_id = person.erasure["_id"]
    query = {
        "$or": [{"changes.documentId": {"$in": sorted(targets)}}, *actors],
        "clearedBy": {"$ne": erasure_id},
    }
    entries = await tx.find("auditLog", query, size=MOST_CLEARED, limit=MOST_CLEARED)
    targets = targets | await _own_reviews(tx, person, entries)  # an entry can be about several
    if entries:
        cleared = [{**_cleared(entry, person, targets), "clearedBy": erasure_id} for entry in entries]
        await tx.put_all("auditLog", cleared)
    return len(entries) == MOST_CLEARED


async def _own_reviews(tx: Transaction, person: ErasedPerson, entries: Sequence[Document]) -> set[str]:
    """Returns the ids of the person's reviews, of those that entries are about."""
    changes = [change for entry in entries for change in entry["changes"]]
    ids = {ObjectId(change["documentId"]) for change in changes if change["collection"] == "reviews"}
    if not ids:
        return set()
    query = {"_id": {"$in": sorted(ids)}, "studentId": {"$in": list(person.student_ids)}}
    return {str(one["_id"]) for one in await tx.find("reviews", query, size=len(ids), projection={"_id": 1})}


def _cleared(entry: Document, person: ErasedPerson, targets: set[str]) -> Document:
    actor = entry["actor"]
    is_own = actor["subject"] == str(person.account_id) or actor["studentId"] in person.student_ids
    students = {str(one) for one in person.student_ids}
    changes = [
        _without_texts(change)
        if change["documentId"] in targets
        or _student_in(change) in students
        # People write texts in their own reviews only, some of which have been deleted since.
        or (is_own and change["collection"] == "reviews")
        else change
        for change in entry["changes"]
    ]
    if not is_own:
        return {**entry, "changes": changes}
    subject = actor["subject"]
    if subject and not ObjectId.is_valid(subject):  # an issuer's id of them, which the id of a flag has too
        changes = [
            {**change, "documentId": change["documentId"].replace(subject, HIDDEN)} for change in changes
        ]
        actor = {**actor, "subject": HIDDEN}
    return {**entry, "actor": actor, "address": "", "changes": changes}


def _without_texts(change: Document) -> Document:
    names = _TEXTS.get(change["collection"], ())
    return {**change, **{side: _hidden(change[side], names) for side in _SIDES}}


def _hidden(values: Document | None, names: Sequence[str]) -> Document | None:
    return values and {name: HIDDEN if name in names and value else value for name, value in values.items()}


def _student_in(change: Document) -> str | None:
    return next((change[side]["studentId"] for side in _SIDES if (change[side] or {}).get("studentId")), None)
