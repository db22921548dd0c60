"""Erases people: what they have written about themselves is found nowhere afterwards.

The first transaction takes the profile, the account, the sessions and the links. The rest can be more than
one transaction may write. A document of `erasures` stands for what is left to do, and has only ids in it, so
that an interrupted erasure can be continued.

The table `PLACES` names each collection with data of a person. A test fails for a collection that is neither
there nor in `NOBODYS`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from bson import MaxKey, ObjectId

import loaders.audit
from loaders import enrollment, outbox, review_flags
from loaders.accounts import by_student, require_other_staff
from loaders.collections import derived
from loaders.model import ERASED_STUDENT, LIVE_ENROLLMENTS, AccountDoc, ErasureDoc, StudentDoc
from loaders.mongo import Change, Database, Document, Filter, Transaction, count, transaction, utc
from loaders.reading import fit_read

#: The number of documents that one transaction erases.
MOST_ERASED = 200
_MOST_PLACES = 20  # enrolments that one transaction cancels: each can move a waitlist up
_PAGE = 1_000  # audit entries that are read at once
_MOST_SUBJECTS = 100  # identities at external issuers that one student has had
_HIDDEN = "(erased)"
#: What is left of a profile.
_BLANK: Document = {
    "name": ERASED_STUDENT, "avatarUrl": None, "country": None, "bio": None, "email": None, "joinedAt": None,
    "externalId": None,
}  # fmt: skip

#: What is left of a review's texts.
_EMPTY: Document = {"title": None, "body": "", "moderationReason": None}

#: Erases a batch of documents. Returns whether there may be more.
Step: TypeAlias = Callable[[Transaction, ErasureDoc], Awaitable[bool]]


async def erase_student(tx: Transaction, student: StudentDoc, *, again: bool = False) -> None:
    """Begins to erase a student, with their account. `erasure_step` does the rest.

    again: whether also to begin if the student has been erased before. A write of theirs that was under way
    can have been committed after that.

    Raises LastStaffError if the account is the last of staff.
    """
    account = await by_student(tx, student["_id"])
    if again or not student.get("erasedAt"):
        await _begin(tx, student, account, keeps_texts=False)


async def delete_account(tx: Transaction, account: AccountDoc) -> None:
    """Begins to delete an account, and to erase its student, whose reviews keep their texts.

    Raises LastStaffError if the account is the last of staff.
    """
    own: StudentDoc | None = await tx.get("students", account["studentId"]) if account["studentId"] else None
    await _begin(tx, own, account, keeps_texts=True)


async def erasure_step(tx: Transaction, id: ObjectId | None = None) -> bool:
    """Does the next part of an erasure, or of any. Returns False if nothing is left to do.

    id: of the student or account.
    """
    query: Filter = {} if id is None else {"$or": [{"studentId": id}, {"accountId": id}]}
    erasure: ErasureDoc | None = await tx.find_one("erasures", query)
    if erasure is None:
        return False
    for step in PLACES.values():
        if step and await step(tx, erasure):
            return True
    await tx.delete_all("erasures", {"_id": erasure["_id"]})
    return True


async def unfinished_erasures(database: Database) -> int:
    """Counts the erasures that are under way, or were interrupted."""
    return await count(database["erasures"], {})


async def finish_erasures(database: Database, action: str) -> None:
    """Finishes all erasures that have begun. action: the name of the command, for the audit log."""
    while await transaction(database, partial(_audited_step, action=action)):
        pass


async def _audited_step(tx: Transaction, action: str) -> bool:
    tx.fit = fit_read
    has_more = await erasure_step(tx)
    if tx.changes:
        await loaders.audit.record(tx, action, loaders.audit.OPERATOR, "")
    return has_more


async def _begin(
    tx: Transaction, student: StudentDoc | None, account: AccountDoc | None, *, keeps_texts: bool
) -> None:
    if account:
        await require_other_staff(tx, account)
    people = [one["_id"] for one in (student, account) if one]
    merged = await _merged_into(tx, student["_id"]) if student else []
    await _erase_messages(tx, people, await _addresses(tx, student, account))
    erasure: Document = {
        "_id": ObjectId(), "studentId": student and student["_id"], "accountId": account and account["_id"],
        "mergedIds": merged, "keepsTexts": keeps_texts, "begunAt": tx.now,
    }  # fmt: skip
    await tx.insert_all("erasures", [erasure])
    if student:
        blank = {**_BLANK, **derived("students", _BLANK), "erasedAt": tx.now}
        await tx.set("students", {"_id": student["_id"]}, blank)
        # Not by `patch`, because the audit log must not have what was erased.
        tx.changes.append(
            Change("students", student["_id"], {"erasedAt": student.get("erasedAt")}, {"erasedAt": tx.now})
        )
        await tx.delete_all("wishlists", {"_id": student["_id"]})
    if account:
        await tx.delete_all("sessions", {"accountId": account["_id"]})
        await tx.delete_all("accountTokens", {"accountId": account["_id"]})
        await tx.delete_all("accounts", {"_id": account["_id"]})
        tx.changes.append(
            Change("accounts", account["_id"], {"status": account.get("status", "ACTIVE")}, None)
        )
        outbox.send(tx, outbox.Message("account_deleted", to=account["email"]))


async def _merged_into(tx: Transaction, student_id: ObjectId) -> Sequence[ObjectId]:
    """Returns the ids of the students who were merged into one, whom the audit log still knows."""
    query: Filter = {"changes.after.mergedInto": str(student_id)}
    merged: list[ObjectId] = []
    last: Filter = {}
    while entries := await tx.find(
        "auditLog", {**query, **last}, size=_PAGE, limit=_PAGE, sort=[("_id", 1)], projection={"changes": 1}
    ):
        merged += [
            ObjectId(change["documentId"])
            for entry in entries
            for change in entry["changes"]
            if change["after"] and change["after"].get("mergedInto") == str(student_id)
        ]
        if len(entries) < _PAGE:
            break
        last = {"_id": {"$gt": entries[-1]["_id"]}}
    return merged


async def _addresses(
    tx: Transaction, student: StudentDoc | None, account: AccountDoc | None
) -> Sequence[str]:
    """Returns the addresses of a person: the present ones, and those of links that haven't expired."""
    found = {one["email"] for one in (student, account) if one and one["email"]}
    if account:
        query = {"accountId": account["_id"]}
        tokens = await tx.find("accountTokens", query, size=MOST_ERASED, limit=MOST_ERASED)
        found |= {token["email"] for token in tokens}
    return sorted(found)


async def _erase_messages(tx: Transaction, people: Sequence[ObjectId], addresses: Sequence[str]) -> None:
    """Deletes the messages to a person, in whatever state. Nothing waits for a message.

    Events stay: they have ids and values of enums, and a receiver needs all of them in order.
    """
    mine = [{"people": {"$in": list(people)}}, {"to": {"$in": list(addresses)}}]
    await tx.delete_all("outbox", {"destination": outbox.MAIL, "$or": mine})
    await tx.delete_all("devMail", {"address": {"$in": list(addresses)}})


# -- what several transactions erase ----------------------------------------------------------------------


async def _give_up_places(tx: Transaction, erasure: ErasureDoc) -> bool:
    """Cancels enrolments in runs that haven't started. The others stay, without a person."""
    if erasure["studentId"] is None:
        return False
    query = {"studentId": erasure["studentId"], "status": {"$in": list(LIVE_ENROLLMENTS)}}
    live = await tx.find("enrollments", {**query, "runId": {"$ne": None}}, size=1_000, limit=1_000)
    runs = {one["runId"] for one in live}
    found = await tx.find("courseRuns", {"_id": {"$in": list(runs)}}, size=len(runs) + 1)
    upcoming = {run["_id"] for run in found if utc(run["startsAt"]) > tx.now}
    places = [one for one in live if one["runId"] in upcoming]
    for one in places[:_MOST_PLACES]:
        await enrollment.change(tx, one, status="CANCELLED", cancelledAt=tx.now)
    return len(places) > _MOST_PLACES


async def _empty_reviews(tx: Transaction, erasure: ErasureDoc) -> bool:
    """Removes the texts of reviews. Ratings, votes and replies stay."""
    if erasure["studentId"] is None or erasure["keepsTexts"]:
        return False
    has_text = {"$or": [{"title": {"$ne": None}}, {"body": {"$ne": ""}}, {"moderationReason": {"$ne": None}}]}
    query = {"studentId": erasure["studentId"], **has_text}
    ids = await _ids(tx, "reviews", query)
    if ids:
        await tx.set("reviews", {"_id": {"$in": ids}}, _EMPTY)
    return len(ids) == MOST_ERASED


async def _withdraw_flags(tx: Transaction, erasure: ErasureDoc) -> bool:
    mine: list[Filter] = [{"studentId": erasure["studentId"]}] if erasure["studentId"] else []
    if erasure["accountId"]:
        mine.append({"_id.subject": str(erasure["accountId"])})
    return await review_flags.withdraw(tx, {"$or": mine}, MOST_ERASED)


async def _forget_keys(tx: Transaction, erasure: ErasureDoc) -> bool:
    """Deletes the person's idempotency keys, and takes them out of the answers to others."""
    viewers = [*([str(erasure["accountId"])] if erasure["accountId"] else []), *await _subjects(tx, erasure)]
    ranges = [
        {"_id": {"$gte": {"viewer": viewer, "key": ""}, "$lt": {"viewer": viewer, "key": MaxKey()}}}
        for viewer in viewers
    ]
    own: Filter = {"$or": ranges} if ranges else {"_id": {"$in": []}}
    ids = await _ids(tx, "idempotencyKeys", own)
    if ids:
        await tx.delete_all("idempotencyKeys", {"_id": {"$in": ids}})
    if len(ids) == MOST_ERASED:
        return True
    await tx.set("idempotencyKeys", {"answer.account._id": erasure["accountId"]}, {"answer.account": None})
    if student_id := erasure["studentId"]:
        shown = {**_BLANK, **derived("students", _BLANK)}
        blank = {f"answer.student.{name}": value for name, value in shown.items()}
        await tx.set("idempotencyKeys", {"answer.student._id": student_id}, blank)
        if not erasure["keepsTexts"]:
            emptied = {f"answer.review.{name}": value for name, value in _EMPTY.items()}
            await tx.set("idempotencyKeys", {"answer.review.studentId": student_id}, emptied)
    return False


async def _subjects(tx: Transaction, erasure: ErasureDoc) -> Sequence[str]:
    """Returns the subjects with which a student has signed in through external issuers.

    Only the audit log knows them, so the keys must be deleted before the log is cleared.
    """
    if erasure["studentId"] is None:
        return []
    match = {"actor.studentId": erasure["studentId"]}
    found = await tx.aggregate(
        "auditLog",
        [{"$match": match}, {"$group": {"_id": "$actor.subject"}}, {"$limit": _MOST_SUBJECTS}],
        size=_MOST_SUBJECTS,
    )
    return [one["_id"] for one in found if "|" in one["_id"]]


async def _clear_audit_log(tx: Transaction, erasure: ErasureDoc) -> bool:
    """Takes a person's values and network addresses out of the audit log; who did what and when stays."""
    about = [one for one in (erasure["studentId"], erasure["accountId"], *erasure["mergedIds"]) if one]
    texts: dict[str, Sequence[str]] = {
        "students": ("name", "email", "country", "bio", "avatarUrl", "externalId", "joinedAt"),
        "accounts": ("name", "email"),
        **({} if erasure["keepsTexts"] else {"reviews": tuple(_EMPTY)}),
    }
    actors: list[Filter] = [{"actor.subject": str(erasure["accountId"])}]
    if erasure["studentId"]:
        actors += [
            {"actor.studentId": erasure["studentId"]},
            {"changes.before.studentId": str(erasure["studentId"])},
        ]
    targets = {str(one) for one in about}
    if await _clear_entries(tx, erasure, targets, actors, texts):
        return True
    if erasure["studentId"] is None or erasure["keepsTexts"]:
        return False
    # Entries about reviews, such as a moderator's, of a page of reviews at a time.
    last: Filter = {"_id": {"$gt": erasure["clearedTo"]}} if erasure.get("clearedTo") else {}
    reviews = await tx.find(
        "reviews", {"studentId": erasure["studentId"], **last},
        size=MOST_ERASED, limit=MOST_ERASED, sort=[("_id", 1)], projection={"_id": 1},
    )  # fmt: skip
    if not reviews:
        return False
    if await _clear_entries(tx, erasure, {str(review["_id"]) for review in reviews}, [], texts):
        return True
    if len(reviews) < MOST_ERASED:
        return False
    await tx.set("erasures", {"_id": erasure["_id"]}, {"clearedTo": reviews[-1]["_id"]})
    return True


async def _clear_entries(
    tx: Transaction,
    erasure: ErasureDoc,
    targets: set[str],
    actors: Sequence[Filter],
    texts: Mapping[str, Sequence[str]],
) -> bool:
    """Clears a batch of the entries about documents or by actors. Returns whether there may be more."""
    of_person = {
        "$or": [{"changes.documentId": {"$in": sorted(targets)}}, *actors],
        "clearedBy": {"$ne": erasure["_id"]},
    }
    entries = await tx.find("auditLog", of_person, size=MOST_ERASED, limit=MOST_ERASED)
    if "reviews" in texts:  # an entry is cleared once, so of all reviews that it is about
        targets = targets | await _own_reviews(tx, erasure, entries)
    cleared = [{**_cleared(entry, erasure, targets, texts), "clearedBy": erasure["_id"]} for entry in entries]
    if cleared:
        await tx.put_all("auditLog", cleared)
    return len(entries) == MOST_ERASED


async def _own_reviews(tx: Transaction, erasure: ErasureDoc, entries: Sequence[Document]) -> set[str]:
    """Returns the ids of the person's reviews, of those that entries are about."""
    changes = [change for entry in entries for change in entry["changes"]]
    ids = {ObjectId(change["documentId"]) for change in changes if change["collection"] == "reviews"}
    if not ids:
        return set()
    query = {"_id": {"$in": sorted(ids)}, "studentId": erasure["studentId"]}
    return {str(one["_id"]) for one in await tx.find("reviews", query, size=len(ids), projection={"_id": 1})}


def _cleared(
    entry: Document, erasure: ErasureDoc, targets: set[str], texts: Mapping[str, Sequence[str]]
) -> Document:
    actor = entry["actor"]
    is_own = actor["subject"] == str(erasure["accountId"]) or (
        erasure["studentId"] is not None and actor["studentId"] == erasure["studentId"]
    )
    own_id = str(erasure["studentId"])
    changes = [
        {**change, **{when: _hidden(change[when], texts.get(change["collection"], ())) for when in _SIDES}}
        if change["documentId"] in targets
        or _student_in(change) == own_id
        # People write texts in their own reviews only, some of which have been deleted since.
        or (is_own and change["collection"] == "reviews")
        else change
        for change in entry["changes"]
    ]
    subject = actor["subject"] if ObjectId.is_valid(actor["subject"]) else _HIDDEN  # an issuer's id of them
    shown = {"actor": {**actor, "subject": subject}, "address": ""} if is_own else {}
    return {**entry, **shown, "changes": changes}


_SIDES = ("before", "after")


def _student_in(change: Document) -> str | None:
    return next((change[when]["studentId"] for when in _SIDES if (change[when] or {}).get("studentId")), None)


def _hidden(values: Document | None, names: Sequence[str]) -> Document | None:
    return values and {name: _HIDDEN if name in names and value else value for name, value in values.items()}


async def _ids(tx: Transaction, collection: str, query: Filter) -> list[Any]:  # Any: `_id`s of any type
    found = await tx.find(collection, query, size=MOST_ERASED, limit=MOST_ERASED, projection={"_id": 1})
    return [one["_id"] for one in found]


#: The collections that hold data of people, in the order in which they are erased. None: the first
#: transaction erases it (`_begin`), or what it holds are ids, numbers and times only.
PLACES: Mapping[str, Step | None] = {
    "students": None,
    "accounts": None,
    "sessions": None,
    "accountTokens": None,
    "wishlists": None,
    "outbox": None,
    "devMail": None,
    "votes": None,
    "enrollments": _give_up_places,
    "reviews": _empty_reviews,
    "flags": _withdraw_flags,
    "idempotencyKeys": _forget_keys,
    "auditLog": _clear_audit_log,
    "erasures": None,
}

#: The collections that hold nobody's data. Attempts and budgets have digests of addresses only, and the
#: profile of an instructor is part of the catalogue.
NOBODYS = frozenset(
    (
        "attempts", "budgets", "categories", "courseRuns", "courses", "importedDocuments", "imports",
        "instructors", "migrations", "outboxSequences", "persistedOperations", "restores", "sampleData",
        "trustedOperations", "trustedRevision", "trustedVersions", "unknownOperations",
    )
)  # fmt: skip
