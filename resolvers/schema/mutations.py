"""The Mutation type."""

import strawberry

from resolvers.schema.writes import (
    CatalogueWrites,
    CategoryWrites,
    EnrollmentWrites,
    InstructorWrites,
    PeopleWrites,
    ReviewWrites,
    SessionWrites,
)


@strawberry.type(description="The root type for all mutations.")
class Mutation(
    SessionWrites,
    CatalogueWrites,
    EnrollmentWrites,
    ReviewWrites,
    CategoryWrites,
    InstructorWrites,
    PeopleWrites,
):
    pass
