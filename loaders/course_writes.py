"""Courses and their runs."""

from collections.abc import Mapping
from typing import Any

from bson import ObjectId

from loaders import enrollment
from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import CourseDoc, CourseRunDoc, CourseStatus
from loaders.mongo import Transaction
from loaders.text import slugify

_LONGEST_BASE = 75  # characters, so that a number fits behind it


async def slug_is_taken(tx: Transaction, slug: str, course_id: ObjectId | None = None) -> bool:
    """Whether another course has a slug."""
    found = await tx.find_one("courses", {"slug": slug}, projection={"_id": 1})
    return found is not None and found["_id"] != course_id


async def free_slug(tx: Transaction, title: str) -> str:
    """A slug of a title that no course has: with a number behind it, where need be."""
    base = slugify(title)[:_LONGEST_BASE].strip("-") or "course"
    taken = await tx.find(
        "courses", {"slug": {"$regex": f"^{base}(-[0-9]+)?$"}}, size=10_000, projection={"_id": 0, "slug": 1}
    )
    slugs = {course["slug"] for course in taken}
    numbered = (f"{base}-{number}" for number in range(2, len(slugs) + 3))
    return base if base not in slugs else next(slug for slug in numbered if slug not in slugs)


async def insert(tx: Transaction, fields: Mapping[str, Any]) -> CourseDoc:
    course: Any = await tx.insert("courses", complete("courses", fields))
    return course  # type: ignore[no-any-return]


async def change(tx: Transaction, course: CourseDoc, **fields: Any) -> CourseDoc:
    """A course with other fields, and what is derived from them."""
    if fields.keys() & COLLECTIONS["courses"].derived_from:
        fields |= derived("courses", {**course, **fields})
    changed: Any = await tx.patch("courses", dict(course), **fields)
    return changed  # type: ignore[no-any-return]


async def set_status(tx: Transaction, course: CourseDoc, status: CourseStatus, **fields: Any) -> CourseDoc:
    """A course with another status. Its runs and reviews are seen or hidden with it: who reads them looks it
    up, so that this is one document, whatever the course has.
    """
    return course if course["status"] == status else await change(tx, course, status=status, **fields)


async def insert_run(tx: Transaction, course: CourseDoc, fields: Mapping[str, Any]) -> CourseRunDoc:
    own = {**fields, "courseId": course["_id"]}
    run: Any = await tx.insert("courseRuns", complete("courseRuns", own))
    await enrollment.fill(tx, run, changed=True)
    return run  # type: ignore[no-any-return]


async def change_run(tx: Transaction, run: CourseRunDoc, **fields: Any) -> CourseRunDoc:
    """A run with other fields. New seats go to those who wait: to the first of them, `fill_run` goes on."""
    patched: Any = await tx.patch("courseRuns", dict(run), **fields)
    await enrollment.fill(tx, patched, changed=True)
    changed: CourseRunDoc = await tx.get("courseRuns", run["_id"])
    return changed


async def fill_run(tx: Transaction, run_id: ObjectId) -> CourseRunDoc | None:
    """A run after it has given seats to more of those who wait; None where nobody can have one."""
    run: CourseRunDoc = await tx.get("courseRuns", run_id)
    return await tx.get("courseRuns", run_id) if await enrollment.fill(tx, run) else None


async def fill_runs(tx: Transaction, course_id: ObjectId) -> CourseDoc | None:
    """A course that is back in the catalogue, after one of its runs has given seats to those who wait; None
    where nobody waits while a seat is free.
    """
    for run in await enrollment.waiting_runs(tx, course_id):
        if await enrollment.fill(tx, run):
            course: CourseDoc = await tx.get("courses", course_id)
            return course
    return None
