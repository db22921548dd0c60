"""Checks on the database after a storm. Each check yields a complaint for each violation."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bson import ObjectId

from loaders.audit import GATEWAY, OPERATOR
from loaders.model.documents import LIVE_ENROLLMENTS, SEATED_ENROLLMENTS
from loaders.mongo.database import Database
from loaders.recounting import recount
from tests.deliveries.expected import expected_deliveries
from tests.deliveries.verify import outbox_complaints
from tests.storm import erasures
from tests.storm.acknowledged import Expected, expected_state, is_unsure
from tests.storm.log import Log
from tests.storm.world import IMPORT, newcomer_email

Complaints: TypeAlias = AsyncIterator[str]
_Json: TypeAlias = Any  # a field of a BSON document, or a whole one

_NATIVE = {"externalId": None}
#: Writes whose entries in the audit log are checked separately.
_SESSIONS = frozenset(("signUp", "refreshSession"))
#: Writes that take several transactions, each with an entry, if they have much to move.
_IN_PARTS = frozenset(("verifyEmail", "mergeCategories", "cancelCourseRun", "eraseStudent", "deleteAccount"))
#: Writes that change nothing now and then, without their client's knowing it.
_UNKNOWN = frozenset(("updateCourse",))
#: The actors of the second time of an erasure: a gateway, or `erasures.repeat`.
_REPEATING = frozenset((GATEWAY["subject"], OPERATOR["subject"]))
_HIDDEN = "(erased)"  # the subject of an external identity in the audit log, once its student is erased


async def complaints(database: Database, log: Log) -> list[str]:
    """All complaints about the database and the clients."""
    state = expected_state(log.acks)
    found = [f"A client: {fault}" for fault in log.faults]
    for check in _CHECKS:
        found += [complaint async for complaint in check(database, state)]
    found += [complaint async for complaint in _audited(database, log, state)]
    found += [complaint async for complaint in erasures.kept(database, log, state)]
    return found + await outbox_complaints(database, await expected_deliveries(database))


async def _counts(database: Database, state: Expected) -> Complaints:
    """The aggregates match the documents that they are computed from."""
    async for d in recount(database, fix=False):
        yield f"{d.collection} {d.id}: {d.field} is {d.stored!r}, not {d.true!r}"


async def _uniqueness(database: Database, state: Expected) -> Complaints:
    """No duplicate reviews, places or accounts."""
    reviews = Counter((r["studentId"], r["courseId"]) for r in await _all(database, "reviews", _NATIVE))
    live = {"status": {"$in": list(LIVE_ENROLLMENTS)}, **_NATIVE}
    places = Counter((e["studentId"], e["courseId"]) for e in await _all(database, "enrollments", live))
    emails = Counter(account["email"] for account in await _all(database, "accounts"))
    for kind, counted in (("reviews", reviews), ("places", places), ("accounts", emails)):
        for owner, count in counted.items():
            if count > 1:
                yield f"{count} {kind} of {owner}"


async def _seats(database: Database, state: Expected) -> Complaints:
    """No seat is sold twice, and no seat is empty while a student is waiting for it."""
    enrolled = await _all(database, "enrollments", _NATIVE)
    taken = Counter(e["runId"] for e in enrolled if e["status"] in SEATED_ENROLLMENTS)
    waiting = Counter(e["runId"] for e in enrolled if e["status"] == "WAITLISTED")
    for run in await _all(database, "courseRuns"):
        seats, run_id = run["seats"], run["_id"]
        if run_id in state.seats and seats != state.seats[run_id]:
            yield f"run {run_id}: {seats} seats, but {state.seats[run_id]} were acknowledged"
        if seats is not None and taken[run_id] > seats:
            yield f"run {run_id}: {taken[run_id]} of {seats} seats are sold"
        if waiting[run_id] and (seats is None or taken[run_id] < seats):
            yield f"run {run_id}: {waiting[run_id]} wait for {taken[run_id]} of {seats} seats"


async def _places(database: Database, state: Expected) -> Complaints:
    """Every acknowledged enrolment is stored as acknowledged, and there are no others."""
    unsure = state.unsure
    stored = {
        e["_id"]: e
        for e in await _all(database, "enrollments", _NATIVE)
        if e["_id"] in state.places or (e["studentId"], e["courseId"]) not in unsure
    }
    for complaint in _same_ids("enrolment", stored.keys(), state.places.keys()):
        yield complaint
    for key in stored.keys() & state.places.keys():
        place, found = state.places[key], stored[key]
        if (found["studentId"], found["courseId"], found["runId"]) != (
            place.student,
            place.course,
            place.run,
        ):
            yield f"enrolment {key} is of another student, course or run"
        if found["status"] not in place.may_be() or found["progress"] != place.progress:
            yield f"enrolment {key}: {found['status']}, {found['progress']}, but {place} was acknowledged"


async def _reviews(database: Database, state: Expected) -> Complaints:
    """Every acknowledged review is stored as acknowledged, and there are no others."""
    everything = {review["_id"]: review for review in await _all(database, "reviews")}
    native = {key for key, review in everything.items() if not review.get("externalId")}
    for complaint in _same_ids("review", native, state.reviews.keys() - state.deleted):
        yield complaint
    for key, review in everything.items():
        expected = dict(state.reviews.get(key, {}))
        expected |= {"status": state.statuses.get(key, "PUBLISHED")}
        if review["studentId"] not in state.erased:
            expected |= {"moderationReason": state.reasons.get(key)}
        if key in state.corrected and expected["status"] == "REJECTED" and review["status"] == "PENDING":
            expected["status"] = "PENDING"  # the correction came after the rejection
        differing = {name for name, value in expected.items() if review.get(name) != value}
        if (review["reply"] or {}).get("body") != state.replies.get(key):
            differing.add("reply")
        if differing:
            yield f"review {key}: {differing} are not as acknowledged: {expected}"


async def _votes(database: Database, state: Expected) -> Complaints:
    """The votes are exactly the acknowledged ones, except on deleted reviews."""
    stored = {(v["_id"]["reviewId"], v["_id"]["studentId"]) for v in await _all(database, "votes")}
    expected = {(review, student) for review, student in state.votes if review not in state.deleted}
    for vote in (stored ^ expected) - state.unsure_votes:
        yield f"vote {vote}: {'not ' if vote in stored else ''}acknowledged"


async def _flags(database: Database, state: Expected) -> Complaints:
    """The flags are exactly the acknowledged ones, except on deleted reviews. Their numbers are recounted."""
    stored = {(f["_id"]["reviewId"], f["_id"]["subject"]) for f in await _all(database, "flags")}
    expected = {(review, subject) for review, subject in state.flags if review not in state.deleted}
    for flag in stored ^ expected:
        yield f"flag {flag}: {'not ' if flag in stored else ''}acknowledged"


async def _profiles(database: Database, state: Expected) -> Complaints:
    """The students' profiles and wishlists are as acknowledged."""
    bios = {student["_id"]: student["bio"] for student in await _all(database, "students")}
    wishes = {
        wishlist["_id"]: [wish["courseId"] for wish in wishlist["courses"]]
        for wishlist in await _all(database, "wishlists")
    }
    for student, bio in state.bios.items():
        if bios.get(student) != bio:
            yield f"student {student}: {bios.get(student)!r}, but {bio!r} was acknowledged"
    for student, expected in state.wishes.items():
        if wishes.get(student, []) != expected:
            yield f"student {student} wishes {wishes.get(student)}, but {expected} was acknowledged"


async def _accounts(database: Database, state: Expected) -> Complaints:
    """Each sign-up has one account and one student, and its session has the acknowledged refreshes."""
    stored = {account["email"]: account for account in await _all(database, "accounts")}
    for complaint in _same_ids("account", stored.keys(), state.newcomers.keys()):
        yield complaint
    everybody = await _all(database, "students", {"email": {"$in": list(state.newcomers)}})
    students = Counter(student["email"] for student in everybody)
    unclaimed = {s["email"] for s in everybody if s["_id"] not in state.newcomers.values()}
    sessions = await _all(database, "sessions")
    for email in stored.keys() & state.newcomers.keys():
        account = stored[email]
        is_verified = str(account["_id"]) in state.verified
        if bool(account.get("emailVerifiedAt")) is not is_verified:
            yield f"{email}: verified at {account.get('emailVerifiedAt')}, but acknowledged is {is_verified}"
        others = int(email in unclaimed and not is_verified)  # whom the import has brought
        if account["studentId"] != state.newcomers[email] or students[email] != 1 + others:
            yield f"{email} has {students[email]} students, not the one of their account"
        own = [session for session in sessions if session["accountId"] == account["_id"]]
        if any(session["endedAt"] for session in own):
            yield f"{email}: a session has ended"
        if sum(session["generation"] for session in own) != state.refreshed[str(account["_id"])]:
            yield f"{email}: {state.refreshed[str(account['_id'])]} refreshes were acknowledged, of {own}"


async def _claims(database: Database, state: Expected) -> Complaints:
    """What an import has brought belongs to whoever has verified the address, and to nobody else."""
    imported = {"externalId.source": IMPORT}
    others = set(state.signed_up.values())
    for collection, owner in (("enrollments", "studentId"), ("reviews", "studentId"), ("students", "_id")):
        for document in await _all(database, collection, imported):
            claimant = state.claimed.get(newcomer_email(int(document["externalId"]["id"])))
            if document[owner] != claimant if claimant else document[owner] in others:
                yield f"{collection}: claimed by {claimant}, but {document} has another owner"
    for collection in ("enrollments", "reviews", "students"):
        counted = Counter(d["externalId"]["id"] for d in await _all(database, collection, imported))
        for number, count in counted.items():
            if count > 1:
                yield f"{count} {collection} of {newcomer_email(int(number))}"
    if left := await _all(database, "students", {"mergedInto": {"$exists": True}}):
        yield f"{len(left)} students are merged halfway"


async def _desk(database: Database, state: Expected) -> Complaints:
    """Courses, runs and categories are as the editors have been told."""
    courses = {course["_id"]: course for course in await _all(database, "courses")}
    slugs = {category["_id"]: category["slug"] for category in await _all(database, "categories")}
    for complaint in _same_ids("category", slugs.keys(), state.categories):
        yield complaint
    for course, status in state.courses.items():
        if courses[course]["status"] != status:
            yield f"course {course}: {courses[course]['status']}, but {status} was acknowledged"
    for course, category in state.categorised.items():
        if courses[course]["categorySlug"] != slugs.get(category):
            yield f"course {course}: {courses[course]['categorySlug']}, not {slugs.get(category)}"
    runs = await _all(database, "courseRuns", {"status": "CANCELLED"})
    for complaint in _same_ids("cancelled run", [run["_id"] for run in runs], state.cancelled):
        yield complaint


async def _order(database: Database, state: Expected) -> Complaints:
    """Nobody moved up before a student who had joined the waitlist earlier and was still waiting."""
    moved = {ObjectId(key): at async for key, at in _moves(database)}
    joined = {ObjectId(key): at async for key, at in _joins(database)}
    waits: dict[ObjectId | None, list[ObjectId]] = {}
    for key in joined:
        if key in state.places:
            waits.setdefault(state.places[key].run, []).append(key)
    for run, waiting in waits.items():
        for lucky in (key for key in waiting if key in moved):
            for other in waiting:
                until = min(moved.get(other, float("inf")), state.places[other].left or float("inf"))
                waited = state.places[other].joined < moved[lucky] < until
                if waited and (joined[other], other) < (joined[lucky], lucky):
                    yield f"run {run}: {lucky} moved up before {other}"


async def _audited(database: Database, log: Log, state: Expected) -> Complaints:
    """The audit log has exactly one entry for each acknowledged write that changed something."""
    stored = Counter[tuple[str, str]]()
    sign_ups = Counter[str]()
    for entry in await _all(database, "auditLog"):
        if entry["actor"]["subject"] in _REPEATING:
            continue
        if entry["action"] not in _SESSIONS:
            stored[entry["actor"]["subject"], entry["action"]] += 1
        elif any(change["collection"] == "accounts" for change in entry["changes"]):
            sign_ups[entry["actor"]["subject"]] += 1
    acked, unsure = _changes(log, state)
    for write in stored.keys() | acked.keys():
        if write[1] in _UNKNOWN or (write[1] in _IN_PARTS and stored[write] >= acked[write] > 0):
            continue
        if not acked[write] <= stored[write] <= acked[write] + unsure[write]:
            yield f"{write}: {stored[write]} entries in the audit log, but {acked[write]} acknowledged writes"
    for subject, count in sign_ups.items():
        if count > 1:
            yield f"{subject} signed up {count} times"


def _changes(log: Log, state: Expected) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Returns the numbers of writes by subject and action: those that changed something, and may have."""
    hidden = {
        subject
        for student in state.erased
        for subject in state.subjects[student]
        if not ObjectId.is_valid(subject)
    }
    unsure, acked = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    flags = set[tuple[str, str]]()
    for ack in log.acks:
        write = _HIDDEN if ack.subject in hidden else ack.subject, ack.action
        if ack.code:
            unsure[write] += is_unsure(ack)
        elif ack.action == "flagReview":  # again: it changes nothing
            flag = ack.subject, ack.input["reviewId"]
            acked[write] += flag not in flags
            flags.add(flag)
        elif ack.changes and ack.action not in _SESSIONS:
            acked[write] += 1
    return acked, unsure


async def _moves(database: Database) -> AsyncIterator[tuple[str, float]]:
    """Yields the enrolments that moved up, and when."""
    for entry in await _all(database, "auditLog", {"changes.before.status": "WAITLISTED"}):
        for change in entry["changes"]:
            if _statuses(change) == ("WAITLISTED", "ACTIVE"):
                yield change["documentId"], _seconds(entry["at"])


async def _joins(database: Database) -> AsyncIterator[tuple[str, float]]:
    """Yields the enrolments that began on a waitlist, and when."""
    for entry in await _all(database, "auditLog", {"changes.after.status": "WAITLISTED"}):
        for change in entry["changes"]:
            if _statuses(change) == (None, "WAITLISTED"):
                yield change["documentId"], _seconds(entry["at"])


def _statuses(change: Mapping[str, _Json]) -> tuple[_Json, _Json]:
    """The status before and after a change."""
    before, after = ((change[side] or {}).get("status") for side in ("before", "after"))
    return before, after


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _same_ids(kind: str, stored: Iterable[object], acked: Iterable[object]) -> list[str]:
    """Complaints about ids that are only stored, or only acknowledged."""
    lost = [f"{kind} {key} was acknowledged, but is lost" for key in set(acked) - set(stored)]
    return lost + [f"{kind} {key} was never acknowledged" for key in set(stored) - set(acked)]


async def _all(database: Database, collection: str, query: Mapping[str, _Json] | None = None) -> list[_Json]:
    return await database[collection].find(query or {}).to_list(None)


_CHECKS: tuple[Callable[[Database, Expected], Complaints], ...] = (
    _counts, _uniqueness, _seats, _places, _reviews, _votes, _flags, _profiles, _accounts, _claims, _desk,
    erasures.unfinished, _order,
)  # fmt: skip
