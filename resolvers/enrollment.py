"""Enrollment: its fields, and the lists of enrolments."""

from collections.abc import Sequence

import loaders.enrollment
from loaders.documents import CourseDoc, CourseRunDoc, EnrollmentDoc, StudentDoc
from loaders.enrollment import EnrollmentParent
from loaders.reading.listing import Listing
from resolvers.context import Context
from resolvers.inputs import EnrollmentFilter
from resolvers.relay.list_arguments import given
from resolvers.relay.pagination import Scoped


async def course(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseDoc | None]:
    return await ctx.loaders.course_by_id([enrollment["courseId"] for enrollment in enrollments])


async def run(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[CourseRunDoc | None]:
    return await ctx.loaders.course_run_by_id([enrollment["runId"] for enrollment in enrollments])


async def student(enrollments: Sequence[EnrollmentDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([enrollment["studentId"] for enrollment in enrollments])


def enrollment_listing(
    ctx: Context, parent: EnrollmentParent, filter: EnrollmentFilter | None
) -> tuple[Listing, Scoped]:
    """The enrolments of each parent, and what their cursors are for."""
    wanted = given(filter)
    return loaders.enrollment.listing(ctx.loaders.database, parent, **wanted), ("enrollments", parent, wanted)
