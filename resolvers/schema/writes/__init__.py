"""Declarations of the schema's mutations and their payloads, by subject, without logic."""

from resolvers.schema.writes.catalogue_writes import CatalogueWrites
from resolvers.schema.writes.category_writes import CategoryWrites
from resolvers.schema.writes.enrollment_writes import EnrollmentWrites
from resolvers.schema.writes.instructor_writes import InstructorWrites
from resolvers.schema.writes.payloads import ErrorCode
from resolvers.schema.writes.people_writes import PeopleWrites
from resolvers.schema.writes.review_writes import ReviewWrites
from resolvers.schema.writes.session_writes import SessionWrites

__all__ = [
    "CatalogueWrites",
    "CategoryWrites",
    "EnrollmentWrites",
    "ErrorCode",
    "InstructorWrites",
    "PeopleWrites",
    "ReviewWrites",
    "SessionWrites",
]
