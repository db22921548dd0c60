"""CourseRun: its fields."""

from collections.abc import Sequence

from loaders.documents import CourseDoc, CourseRunDoc
from resolvers.context import Context


async def course(runs: Sequence[CourseRunDoc], ctx: Context) -> Sequence[CourseDoc | None]:
    return await ctx.loaders.course_by_id([run["courseId"] for run in runs])


def seats_left(run: CourseRunDoc) -> int | None:
    """None where seats are unlimited; never below zero, even if a run was overbooked by hand."""
    return None if run["seats"] is None else max(0, run["seats"] - run["seatsTaken"])
