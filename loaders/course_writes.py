"""Writes to courses and their runs."""

from collections.abc import Sequence

from bson import ObjectId

from loaders import enrollment
from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import CourseDoc, CourseRunDoc, CourseStatus
from loaders.mongo import Fields, Transaction, Value
from loaders.text import slugify

_LONGEST_BASE = 75  # maximum length of a slug in characters, before a number is appended


async def slug_is_taken(tx: Transaction, slug: str, course_id: ObjectId | None = None) -> bool:
    """Returns whether a course other than `course_id` already has the slug."""
    found = await tx.find_one("courses", {"slug": slug}, projection={"_id": 1})
    return found is not None and found["_id"] != course_id


async def free_slug(tx: Transaction, title: str) -> str:
    """Converts a title to a slug that no course has yet; appends a number if necessary."""
    base = slugify(title)[:_LONGEST_BASE].strip("-") or "course"
    taken = await tx.find(
        "courses", {"slug": {"$regex": f"^{base}(-[0-9]+)?$"}}, size=10_000, projection={"_id": 0, "slug": 1}
    )
    slugs = {course["slug"] for course in taken}
    numbered = (f"{base}-{number}" for number in range(2, len(slugs) + 3))
    return base if base not in slugs else next(slug for slug in numbered if slug not in slugs)


async def are_instructors(tx: Transaction, ids: Sequence[ObjectId]) -> bool:
    """Returns whether all ids belong to instructors. The ids must be distinct. Sends one command."""
    found = await tx.find("instructors", {"_id": {"$in": ids}}, size=len(ids), projection={"_id": 1})
    return len(found) == len(ids)


async def insert(tx: Transaction, fields: Fields) -> CourseDoc:
    """Inserts a course and returns it."""
    course: CourseDoc = await tx.insert("courses", complete("courses", fields))
    return course


async def change(tx: Transaction, course: CourseDoc, **fields: Value) -> CourseDoc:
    """Sets fields of a course and the fields derived from them. Returns the changed course."""
    if fields.keys() & COLLECTIONS["courses"].derived_from:
        fields |= derived("courses", {**course, **fields})
    changed: CourseDoc = await tx.patch("courses", course, **fields)
    return changed


async def set_status(tx: Transaction, course: CourseDoc, status: CourseStatus, **fields: Value) -> CourseDoc:
    """Sets a course's status and other fields, and returns the course.

    Does nothing if the course already has the status. Writes only the course, because reads of runs and
    reviews look up the status of their course.
    """
    return course if course["status"] == status else await change(tx, course, status=status, **fields)


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
    await enrollment.fill(tx, patched, changed=True)
    changed: CourseRunDoc = await tx.get("courseRuns", run["_id"])
    return changed


async def fill_run(tx: Transaction, run_id: ObjectId) -> CourseRunDoc | None:
    """Gives free seats in a run to more students on its waitlist.

    Returns the run, or None if no student got a seat.
    """
    run: CourseRunDoc = await tx.get("courseRuns", run_id)
    return await tx.get("courseRuns", run_id) if await enrollment.fill(tx, run) else None


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
