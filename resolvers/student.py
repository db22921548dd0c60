"""Student: its fields."""

from collections.abc import Sequence

from loaders.documents import StudentDoc
from resolvers.access import permissions
from resolvers.context import Context
from resolvers.enrollment import enrollment_listing
from resolvers.relay.list_arguments import EnrollmentFilterArgument, ReviewOrderArgument
from resolvers.relay.pagination import After, Before, ConnectionDoc, First, Last, Slice, connections
from resolvers.review import review_connections


async def email(students: Sequence[StudentDoc], ctx: Context) -> Sequence[str | None]:
    return [s["email"] if permissions.sees_email(ctx.viewer, s) else None for s in students]


async def reviews(
    students: Sequence[StudentDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    order_by: ReviewOrderArgument = None,
) -> Sequence[ConnectionDoc]:
    arguments = Slice(first, after, last, before)
    return await review_connections(ctx, students, "studentId", arguments, None, order_by)


async def enrollments(
    students: Sequence[StudentDoc],
    ctx: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: EnrollmentFilterArgument = None,
) -> Sequence[ConnectionDoc]:
    listing, of = enrollment_listing(ctx, "studentId", filter)
    parents = [s["_id"] if permissions.sees_enrollments_of(ctx.viewer, s) else None for s in students]
    return await connections(ctx, listing, parents, Slice(first, after, last, before), of)
