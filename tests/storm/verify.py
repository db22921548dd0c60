"""What must hold after the storm, whatever happened in it. Each check gives a sentence for each thing that
doesn't.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bson import ObjectId

from loaders.model.documents import LIVE_ENROLLMENTS, SEATED_ENROLLMENTS
from loaders.mongo.database import Database
from loaders.recount import recount
from tests.storm.log import Log
from tests.storm.told import Told, told

Complaints: TypeAlias = AsyncIterator[str]

_NATIVE = {"externalId": None}
#: Writes whose entries in the audit log are looked at in ways of their own.
_SESSIONS = frozenset(("signUp", "refreshSession"))


async def complaints(database: Database, log: Log) -> list[str]:
    """Everything that is not as it must be."""
    it = told(log.done())
    found = [f"A client: {fault}" for fault in log.faults]
    for check in _CHECKS:
        found += [complaint async for complaint in check(database, it)]
    return found + [complaint async for complaint in _audited(database, log)]


async def _counts(database: Database, it: Told) -> Complaints:
    """The aggregates are those of the documents they come from."""
    async for d in recount(database, fix=False):
        yield f"{d.collection} {d.id}: {d.field} is {d.stored!r}, not {d.true!r}"


async def _uniqueness(database: Database, it: Told) -> Complaints:
    """One review, one place, one account."""
    reviews = Counter((r["studentId"], r["courseId"]) for r in await _all(database, "reviews", _NATIVE))
    live = {"status": {"$in": list(LIVE_ENROLLMENTS)}, **_NATIVE}
    places = Counter((e["studentId"], e["courseId"]) for e in await _all(database, "enrollments", live))
    emails = Counter(account["email"] for account in await _all(database, "accounts"))
    for what, counted in (("reviews", reviews), ("places", places), ("accounts", emails)):
        for of, count in counted.items():
            if count > 1:
                yield f"{count} {what} of {of}"


async def _seats(database: Database, it: Told) -> Complaints:
    """None is sold twice, and none is empty while somebody waits for it."""
    enrolled = await _all(database, "enrollments", _NATIVE)
    taken = Counter(e["runId"] for e in enrolled if e["status"] in SEATED_ENROLLMENTS)
    waiting = Counter(e["runId"] for e in enrolled if e["status"] == "WAITLISTED")
    for run in await _all(database, "courseRuns"):
        seats, own = run["seats"], run["_id"]
        if own in it.seats and seats != it.seats[own]:
            yield f"run {own}: {seats} seats, but {it.seats[own]} were acknowledged"
        if seats is not None and taken[own] > seats:
            yield f"run {own}: {taken[own]} of {seats} seats are sold"
        if waiting[own] and (seats is None or taken[own] < seats):
            yield f"run {own}: {waiting[own]} wait for {taken[own]} of {seats} seats"


async def _places(database: Database, it: Told) -> Complaints:
    """Every acknowledged enrolment is as it was told, and there are no others."""
    stored = {e["_id"]: e for e in await _all(database, "enrollments", _NATIVE)}
    for complaint in _same_ids("enrolment", stored.keys(), it.places.keys()):
        yield complaint
    for key in stored.keys() & it.places.keys():
        place, own = it.places[key], stored[key]
        if (own["studentId"], own["courseId"], own["runId"]) != (place.student, place.course, place.run):
            yield f"enrolment {key} is of another student, course or run"
        if own["status"] not in place.may_be() or own["progress"] != place.progress:
            yield f"enrolment {key}: {own['status']}, {own['progress']}, but {place} was acknowledged"


async def _reviews(database: Database, it: Told) -> Complaints:
    """Every acknowledged review is as it was told, and there are no others."""
    everything = {review["_id"]: review for review in await _all(database, "reviews")}
    native = {key for key, review in everything.items() if not review.get("externalId")}
    for complaint in _same_ids("review", native, it.reviews.keys() - it.deleted):
        yield complaint
    for key, review in everything.items():
        expected = dict(it.reviews.get(key, {}))
        expected |= {"status": it.statuses.get(key, "PUBLISHED")}
        differing = {name for name, value in expected.items() if review[name] != value}
        if (review["reply"] or {}).get("body") != it.replies.get(key):
            differing.add("reply")
        if differing:
            yield f"review {key}: {differing} are not as acknowledged: {expected}"


async def _votes(database: Database, it: Told) -> Complaints:
    stored = {(v["_id"]["reviewId"], v["_id"]["studentId"]) for v in await _all(database, "votes")}
    expected = {(review, student) for review, student in it.votes if review not in it.deleted}
    for vote in stored ^ expected:
        yield f"vote {vote}: {'not ' if vote in stored else ''}acknowledged"


async def _own(database: Database, it: Told) -> Complaints:
    """What students say of themselves, and wish for."""
    bios = {student["_id"]: student["bio"] for student in await _all(database, "students")}
    wishes = {
        wishlist["_id"]: [wish["courseId"] for wish in wishlist["courses"]]
        for wishlist in await _all(database, "wishlists")
    }
    for student, bio in it.bios.items():
        if bios.get(student) != bio:
            yield f"student {student}: {bios.get(student)!r}, but {bio!r} was acknowledged"
    for student, expected in it.wishes.items():
        if wishes.get(student, []) != expected:
            yield f"student {student} wishes {wishes.get(student)}, but {expected} was acknowledged"


async def _accounts(database: Database, it: Told) -> Complaints:
    """Who signed up has one account and one student, and a session that was refreshed as often as told."""
    stored = {account["email"]: account for account in await _all(database, "accounts")}
    for complaint in _same_ids("account", stored.keys(), it.newcomers.keys()):
        yield complaint
    students = Counter(s["email"] for s in await _all(database, "students", {"email": {"$ne": None}}))
    sessions = await _all(database, "sessions")
    for email in stored.keys() & it.newcomers.keys():
        account = stored[email]
        if account["studentId"] != it.newcomers[email] or students[email] != 1:
            yield f"{email} has {students[email]} students, not the one of their account"
        own = [session for session in sessions if session["accountId"] == account["_id"]]
        if any(session["endedAt"] for session in own):
            yield f"{email}: a session has ended"
        if sum(session["generation"] for session in own) != it.refreshed[str(account["_id"])]:
            yield f"{email}: {it.refreshed[str(account['_id'])]} refreshes were acknowledged, of {own}"


async def _order(database: Database, it: Told) -> Complaints:
    """Nobody moved up before one who had joined the waitlist earlier, and waited at that time."""
    moved = {ObjectId(key): at async for key, at in _moves(database)}
    joined = {ObjectId(key): at async for key, at in _joins(database)}
    waits: dict[Any, list[ObjectId]] = {}
    for key in joined:
        if key in it.places:
            waits.setdefault(it.places[key].run, []).append(key)
    for run, waiting in waits.items():
        for lucky in (key for key in waiting if key in moved):
            for other in waiting:
                until = min(moved.get(other, float("inf")), it.places[other].left or float("inf"))
                waited = it.places[other].joined < moved[lucky] < until
                if waited and (joined[other], other) < (joined[lucky], lucky):
                    yield f"run {run}: {lucky} moved up before {other}"


async def _audited(database: Database, log: Log) -> Complaints:
    """Each acknowledged write that changed something has one entry in the audit log, and nothing else has."""
    stored = Counter[tuple[str, str]]()
    sign_ups = Counter[str]()
    for entry in await _all(database, "auditLog"):
        if entry["action"] not in _SESSIONS:
            stored[entry["actor"]["subject"], entry["action"]] += 1
        elif any(change["collection"] == "accounts" for change in entry["changes"]):
            sign_ups[entry["actor"]["subject"]] += 1
    changes = (ack for ack in log.acks if ack.changes and ack.action not in _SESSIONS)
    expected = Counter((ack.subject, ack.action) for ack in changes)
    for of in stored.keys() | expected.keys():
        if stored[of] != expected[of]:
            yield f"{of}: {stored[of]} entries in the audit log, but {expected[of]} writes were acknowledged"
    for subject, count in sign_ups.items():
        if count > 1:
            yield f"{subject} signed up {count} times"


async def _moves(database: Database) -> AsyncIterator[tuple[str, float]]:
    """The enrolments that moved up, and when."""
    for entry in await _all(database, "auditLog", {"changes.before.status": "WAITLISTED"}):
        for change in entry["changes"]:
            if _statuses(change) == ("WAITLISTED", "ACTIVE"):
                yield change["documentId"], _seconds(entry["at"])


async def _joins(database: Database) -> AsyncIterator[tuple[str, float]]:
    """The enrolments that began on a waitlist, and when."""
    for entry in await _all(database, "auditLog", {"changes.after.status": "WAITLISTED"}):
        for change in entry["changes"]:
            if _statuses(change) == (None, "WAITLISTED"):
                yield change["documentId"], _seconds(entry["at"])


def _statuses(change: Mapping[str, Any]) -> tuple[Any, Any]:
    before, after = ((change[side] or {}).get("status") for side in ("before", "after"))
    return before, after


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _same_ids(what: str, stored: Any, expected: Any) -> list[str]:
    lost = [f"{what} {key} was acknowledged, and is lost" for key in set(expected) - set(stored)]
    return lost + [f"{what} {key} was never acknowledged" for key in set(stored) - set(expected)]


async def _all(database: Database, collection: str, query: Mapping[str, Any] | None = None) -> list[Any]:
    return await database[collection].find(query or {}).to_list(None)


_CHECKS: tuple[Callable[[Database, Told], Complaints], ...] = (
    _counts, _uniqueness, _seats, _places, _reviews, _votes, _own, _accounts, _order,
)  # fmt: skip
