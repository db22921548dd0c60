"""Resolvers for CourseRun: its fields and mutations."""

from collections.abc import Sequence
from datetime import datetime

import loaders.course_writes
from loaders.enrollment import is_full
from loaders.model import CourseDoc, CourseRunDoc
from loaders.mongo import Transaction, utc
from loaders.reading import stand_ins
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.writing import InputValues, Objects, own_course, own_run

_FIELDS = ("startsAt", "endsAt", "deliveryMode", "location", "seats")


async def course(runs: Sequence[CourseRunDoc], ctx: Context) -> Sequence[CourseDoc]:
    ids = [run["courseId"] for run in runs]
    return stand_ins("courses", await ctx.loaders.course_by_id(ids), ids)


def seats_left(run: CourseRunDoc) -> int | None:
    """Returns the number of free seats, or None if the run has unlimited seats.

    The number is never negative, even if the run was overbooked by hand.
    """
    return None if run["seats"] is None else max(0, run["seats"] - run["seatsTaken"])


async def create_course_run(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    course = await own_course(ctx, tx, values["courseId"], "createCourseRun")
    if course["status"] == "ARCHIVED":
        raise refusal("CONFLICT", "This course is archived: publish it first.", "courseId")
    fields = {name: values[name] for name in _FIELDS if name in values}
    _require_order(fields["startsAt"], fields.get("endsAt"))
    return {"courseRun": await loaders.course_writes.insert_run(tx, course, fields)}


async def update_course_run(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    run = await own_run(ctx, tx, values["runId"], "updateCourseRun")
    fields = {name: values[name] for name in _FIELDS if name in values}
    _require_order(fields.get("startsAt", run["startsAt"]), fields.get("endsAt", run["endsAt"]))
    _require_seats(run, fields.get("seats"))
    return {"courseRun": await loaders.course_writes.change_run(tx, run, **fields)}


async def fill_run(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Gives free seats to a batch of waitlisted students. Returns the run, or None if nobody moved up."""
    run = payload["courseRun"]
    if not run["waitlistCount"] or is_full(run):
        return None
    filled = await loaders.course_writes.fill_run(tx, run["_id"])
    return filled and {"courseRun": filled}


def _require_order(starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and utc(ends_at) <= utc(starts_at):
        raise refusal("INVALID", "The end must be after the start: choose a later time.", "endsAt")


def _require_seats(run: CourseRunDoc, seats: int | None) -> None:
    if seats is not None and seats < run["seatsTaken"]:
        raise refusal(
            "CONFLICT", f"{run['seatsTaken']} seats are already taken: enter at least that many.", "seats"
        )
