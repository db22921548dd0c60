"""Resolvers for CourseRun: its fields and mutations."""

from collections.abc import Sequence
from datetime import datetime

import loaders.course_writes
from loaders.enrollment import is_full
from loaders.model import CourseDoc, CourseRunDoc, CourseRunStatus, is_cancelled
from loaders.mongo import Transaction, utc
from loaders.reading import stand_ins
from resolvers.access import runs_with_visible_roster
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.errors import refusal
from resolvers.relay import (
    After,
    Before,
    ConnectionDoc,
    EnrollmentFilterArgument,
    First,
    Last,
    Slice,
    connections,
)
from resolvers.values import written
from resolvers.writing import InputValues, Objects, own_course, own_run

_FIELDS = ("startsAt", "endsAt", "deliveryMode", "location", "seats")


async def course(runs: Sequence[CourseRunDoc], ctx: Context) -> Sequence[CourseDoc]:
    ids = [run["courseId"] for run in runs]
    return stand_ins("courses", await ctx.loaders.course_by_id(ids), ids)


async def enrollments(
    runs: Sequence[CourseRunDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: EnrollmentFilterArgument = None,
) -> Sequence[ConnectionDoc]:
    listing, scope = enrollment_listing(ctx, "runId", filter)
    seen = await runs_with_visible_roster(ctx, [run["_id"] for run in runs])
    parents = [run["_id"] if run["_id"] in seen else None for run in runs]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), scope)


def status(run: CourseRunDoc) -> CourseRunStatus:
    return run.get("status", "SCHEDULED")


def seats_left(run: CourseRunDoc) -> int | None:
    """Returns the number of free seats, or None if the run has unlimited seats.

    The number is never negative, even if the run was overbooked by hand. It is 0 for a cancelled run, so that
    clients that don't read the status don't offer a seat.
    """
    if is_cancelled(run):
        return 0
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
    if is_cancelled(run):
        raise refusal("CONFLICT", "This run is cancelled: create a new run instead.", "runId")
    fields = {name: values[name] for name in _FIELDS if name in values}
    _require_order(fields.get("startsAt", run["startsAt"]), fields.get("endsAt", run["endsAt"]))
    _require_seats(run, fields.get("seats"))
    return {"courseRun": await loaders.course_writes.change_run(tx, run, **fields)}


async def cancel_course_run(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    """Cancels a run. Idempotent: cancelling it again is not an error, and cancels what was left over."""
    run = await own_run(ctx, tx, values["runId"], "cancelCourseRun")
    if is_cancelled(run):
        return {"courseRun": run}
    if run["endsAt"] is not None and utc(run["endsAt"]) <= tx.now:
        raise refusal("EXPIRED", "This run has already ended, so it can't be cancelled.", "runId")
    return {"courseRun": await loaders.course_writes.cancel_run(tx, run)}


async def cancel_places(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Cancels a batch of the enrolments in a cancelled run. Returns the run, or None if none was left."""
    run = await loaders.course_writes.cancel_places(tx, payload["courseRun"]["_id"])
    return run and {"courseRun": run}


async def fill_run(ctx: Context, tx: Transaction, payload: Objects) -> Objects | None:
    """Gives free seats to a batch of waitlisted students. Returns the run, or None if nobody moved up."""
    run = payload["courseRun"]
    if not run["waitlistCount"] or is_full(run):
        return None
    filled = await loaders.course_writes.fill_run(tx, run["_id"])
    return filled and {"courseRun": filled}


def _require_order(starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and utc(ends_at) <= utc(starts_at):
        message = "The end must be after the start: choose a later time."
        raise refusal("INVALID", message, "endsAt", reason="ENDS_BEFORE_START", startsAt=written(starts_at))


def _require_seats(run: CourseRunDoc, seats: int | None) -> None:
    if seats is not None and seats < run["seatsTaken"]:
        message = f"{run['seatsTaken']} seats are already taken: enter at least that many."
        raise refusal("CONFLICT", message, "seats", reason="TOO_SMALL", min=run["seatsTaken"])
