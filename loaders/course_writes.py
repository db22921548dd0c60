"""Writes to courses and their runs."""

from collections.abc import Sequence
from typing import Literal

from bson import ObjectId

from loaders import enrollment
from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import MOST_OLD_SLUGS, CourseDoc, CourseRunDoc, CourseStatus
from loaders.mongo import Fields, Transaction, Value
from loaders.text import slugify

_LONGEST_BASE = 75  # maximum length of a slug in characters, before a number is appended


async def slug_is_taken(
    tx: Transaction, slug: str, course_id: ObjectId | None = None
) -> Literal["now", "formerly"] | None:
    """Returns "now" if another course has the slug, "formerly" if another course had it, otherwise None.

    course_id: the course to ignore; None if all courses are checked. Sends one command.
    """
    other = {"_id": {"$ne": course_id}, "$or": [{"slug": slug}, {"oldSlugs": slug}]}
    found = await tx.find("courses", other, size=2, projection={"slug": 1})
    if any(course["slug"] == slug for course in found):
        return "now"
    return "formerly" if found else None


async def free_slug(tx: Transaction, title: str) -> str:
    """Converts a title to a slug that no course has or formerly had. Appends a number if needed."""
    base = slugify(title)[:_LONGEST_BASE].strip("-") or "course"
    numbered_base = {"$regex": f"^{base}(-[0-9]+)?$"}
    taken = await tx.find(
        "courses",
        {"$or": [{"slug": numbered_base}, {"oldSlugs": numbered_base}]},
        size=10_000,
        projection={"_id": 0, "slug": 1, "oldSlugs": 1},
    )
    slugs = {slug for course in taken for slug in (course["slug"], *course.get("oldSlugs", ()))}
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
    """Sets fields of a course and the fields derived from them. Returns the changed course.

    If the slug changes, the old one is kept as a former slug, so that old links still lead to the course.
    """
    if fields.get("slug", course["slug"]) != course["slug"]:
        fields["oldSlugs"] = old_slugs(course, fields["slug"])
    if fields.keys() & COLLECTIONS["courses"].derived_from:
        fields |= derived("courses", {**course, **fields})
    changed: CourseDoc = await tx.patch("courses", course, **fields)
    return changed


def old_slugs(course: Fields, slug: str) -> list[str]:
    """Returns the former slugs that a course will have once its slug is `slug`, oldest first.

    Only the last MOST_OLD_SLUGS are kept.
    """
    older = [old for old in course.get("oldSlugs") or () if old not in (course["slug"], slug)]
    return [*older, course["slug"]][-MOST_OLD_SLUGS:]


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
