"""Writes to courses and their runs."""

from collections.abc import Sequence

from bson import ObjectId

from loaders import enrollment, outbox
from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import MOST_OLD_SLUGS, CourseDoc, CourseRunDoc, CourseStatus
from loaders.mongo import Fields, Transaction, Value, differs
from loaders.outbox import Event, EventKind

MOST_DELETED = 100  # maximum number of runs of a course that can be deleted
_REQUIRING = 500  # courses per batch that lose a prerequisite


async def are_instructors(tx: Transaction, ids: Sequence[ObjectId]) -> bool:
    """Returns whether all ids belong to instructors. The ids must be distinct. Sends one command."""
    found = await tx.find("instructors", {"_id": {"$in": ids}}, size=len(ids), projection={"_id": 1})
    return len(found) == len(ids)


async def insert(tx: Transaction, fields: Fields) -> CourseDoc:
    """Inserts a course and returns it."""
    course: CourseDoc = await tx.insert("courses", complete("courses", fields))
    return course


async def change(tx: Transaction, course: CourseDoc, **fields: Value) -> CourseDoc:
    """Sets fields of a course, the fields derived from them, and `updatedAt`. Returns the changed course.

    Does nothing if the course already has these values. If the slug changes, the old one is kept as a former
    slug, so that old links still lead to the course.
    """
    if not differs(course, fields):
        return course
    if fields.get("slug", course["slug"]) != course["slug"]:
        fields["oldSlugs"] = old_slugs(course, fields["slug"])
    if fields.keys() & COLLECTIONS["courses"].derived_from:
        fields |= derived("courses", {**course, **fields})
    changed: CourseDoc = await tx.patch("courses", course, **fields, updatedAt=tx.now)
    return changed


def old_slugs(course: Fields, slug: str) -> list[str]:
    """Returns the former slugs that a course will have once its slug is `slug`, oldest first.

    Only the last MOST_OLD_SLUGS are kept.
    """
    older = [old for old in course.get("oldSlugs") or () if old not in (course["slug"], slug)]
    return [*older, course["slug"]][-MOST_OLD_SLUGS:]


async def set_status(tx: Transaction, course: CourseDoc, status: CourseStatus) -> CourseDoc:
    """Sets a course's status and `updatedAt`, and returns the course.

    Does nothing if the course already has the status. Writes only the course, because reads of runs and
    reviews look up the status of their course.
    """
    if course["status"] == status:
        return course
    if status == "PUBLISHED":
        outbox.note(tx, Event("course.published", "Course", course["_id"], {"courseId": course["_id"]}))
    return await change(tx, course, status=status)


async def insert_run(tx: Transaction, course: CourseDoc, fields: Fields) -> CourseRunDoc:
    """Inserts a run of a course and returns it."""
    new = complete("courseRuns", {**fields, "courseId": course["_id"]})
    run: CourseRunDoc = await tx.insert("courseRuns", new)
    await enrollment.fill(tx, run, changed=True)
    return run


async def change_run(tx: Transaction, run: CourseRunDoc, **fields: Value) -> CourseRunDoc:
    """Sets fields of a run. Returns the changed run.

    New seats go to the first enrollment.MOST_MOVED students on the waitlist; `fill_run` handles the others.
    """
    patched: CourseRunDoc = await tx.patch("courseRuns", run, **fields)
    if patched != run:
        outbox.note(tx, _event("course_run.changed", run))
    is_moved = any(patched[name] != run[name] for name in ("seats", "startsAt"))
    await enrollment.fill(tx, patched, changed=is_moved)
    changed: CourseRunDoc = await tx.get("courseRuns", run["_id"])
    return changed


def _event(kind: EventKind, run: CourseRunDoc) -> Event:
    return Event(kind, "CourseRun", run["_id"], {"runId": run["_id"], "courseId": run["courseId"]})


async def cancel_run(tx: Transaction, run: CourseRunDoc) -> CourseRunDoc:
    """Cancels a run and the enrolments in it. Returns the cancelled run.

    The first enrollment.MOST_MOVED enrolments are cancelled with the run; `cancel_places` handles the others.
    """
    cancelled: CourseRunDoc = await tx.patch("courseRuns", run, status="CANCELLED")
    outbox.note(tx, _event("course_run.cancelled", run))
    await enrollment.cancel_places(tx, cancelled, changed=True)
    changed: CourseRunDoc = await tx.get("courseRuns", run["_id"])
    return changed


async def cancel_places(tx: Transaction, run_id: ObjectId) -> CourseRunDoc | None:
    """Cancels more of the enrolments in a cancelled run.

    Returns the run, or None if no enrolment was left, or the run has been deleted.
    """
    run: CourseRunDoc | None = await tx.get("courseRuns", run_id)
    if run is None or not await enrollment.cancel_places(tx, run):
        return None
    changed: CourseRunDoc = await tx.get("courseRuns", run_id)
    return changed


async def fill_run(tx: Transaction, run_id: ObjectId) -> CourseRunDoc | None:
    """Gives free seats in a run to more students on its waitlist.

    Returns the run, or None if no student got a seat, or the run has been deleted.
    """
    run: CourseRunDoc | None = await tx.get("courseRuns", run_id)
    if run is None or not await enrollment.fill(tx, run):
        return None
    changed: CourseRunDoc = await tx.get("courseRuns", run_id)
    return changed


async def fill_runs(tx: Transaction, course_id: ObjectId) -> CourseDoc | None:
    """Gives free seats in one run of a course to the students on that run's waitlist.

    Call it after the course has returned to the catalogue. Returns the course, or None if no run has both a
    free seat and a waitlist.
    """
    for run in await enrollment.waiting_runs(tx, course_id):
        if await enrollment.fill(tx, run):
            course: CourseDoc = await tx.get("courses", course_id)
            return course
    return None


async def has_people(tx: Transaction, course: CourseDoc) -> bool:
    """Returns whether a course has any enrolment or review, regardless of their status."""
    of_course, only_id = {"courseId": course["_id"]}, {"_id": 1}
    return bool(
        await tx.find_one("enrollments", of_course, projection=only_id)
        or await tx.find_one("reviews", of_course, projection=only_id)
    )


async def delete(tx: Transaction, course: CourseDoc) -> bool:
    """Deletes a course without enrolments and reviews, and its runs. Returns False if it has too many runs.

    A course with more than MOST_DELETED runs is not deleted. Courses may still list the deleted one as a
    prerequisite (see `drop_prerequisite`).
    """
    of_course, most = {"courseId": course["_id"]}, MOST_DELETED + 1
    runs = await tx.find("courseRuns", of_course, size=most, limit=most)
    if len(runs) > MOST_DELETED:
        return False
    if runs:
        await tx.delete("courseRuns", *runs)
    await tx.delete("courses", course)
    return True


async def drop_prerequisite(tx: Transaction, course_id: ObjectId) -> bool:
    """Removes a deleted course from the prerequisites of a batch of courses.

    Returns whether there were any such courses.
    """
    courses = await tx.find(
        "courses",
        {"prerequisiteIds": course_id},
        size=_REQUIRING,
        limit=_REQUIRING,
        projection={"prerequisiteIds": 1},
    )
    # The query also finds courses in which another program stored a single id instead of a list.
    without = [[one for one in course.get("prerequisiteIds", ()) if one != course_id] for course in courses]
    if courses:
        ids = [course["_id"] for course in courses]
        fields = [{"prerequisiteIds": remaining} for remaining in without]
        await tx.hold_all("courses", zip(ids, fields, strict=True))
    return bool(courses)
