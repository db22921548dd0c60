"""Limits how an import changes a stored run, and gives added seats to students on the waitlist."""

from collections.abc import Sequence
from functools import partial

from bson import ObjectId

from loaders import audit, enrollment
from loaders.model import FREE_SEAT, Document
from loaders.mongo import Database, Fields, Transaction, find, now, transaction

SEATS_KEPT = "fewer seats than are taken: the stored number is kept"


class RunChangeError(ValueError):
    """Raised if a row's changes can't be made to its run."""


def checked(stored: Fields, changes: Document) -> tuple[Document, str | None]:
    """Returns the changes that can be made to a run, and a note about those that can't.

    Raises RunChangeError if the row would move the run to another course, because the run's enrolments belong
    to its course.
    """
    if "courseId" in changes:
        raise RunChangeError("course: the run belongs to another course")
    seats, taken = changes.get("seats"), stored.get("seatsTaken")
    if seats is None or not isinstance(taken, int) or seats >= taken:
        return changes, None
    return {name: value for name, value in changes.items() if name != "seats"}, SEATS_KEPT


async def fill_waitlists(database: Database, runs: Sequence[ObjectId]) -> int:
    """Gives the free seats of some runs to the students on their waitlists. Returns how many moved up.

    The runs' aggregates must be correct before the call.
    """
    query = {"_id": {"$in": runs}, "startsAt": {"$gt": now()}, "waitlistCount": {"$gt": 0}, **FREE_SEAT}
    moved = 0
    for run in await find(database["courseRuns"], query, size=len(runs), projection={"_id": 1}):
        while some := await transaction(database, partial(_fill, run_id=run["_id"])):
            moved += some
    return moved


async def _fill(tx: Transaction, *, run_id: ObjectId) -> int:
    run = await tx.get("courseRuns", run_id)
    moved = await enrollment.fill(tx, run) if run else 0
    if moved:
        await audit.record(tx, "import", audit.OPERATOR, "")
    return moved
