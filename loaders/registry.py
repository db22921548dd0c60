"""The loaders of one request."""

from loaders.batching import ByKey
from loaders.documents import (
    CategoryDoc,
    CourseDoc,
    CourseRunDoc,
    EnrollmentDoc,
    InstructorDoc,
    ReviewDoc,
    StudentDoc,
)
from loaders.mongo import Database


class Loaders:
    """Made for a request and dropped with it: what a loader has seen is as old as the request."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.course_by_id = ByKey[CourseDoc](database["courses"])
        self.course_by_slug = ByKey[CourseDoc](database["courses"], "slug")
        self.course_run_by_id = ByKey[CourseRunDoc](database["courseRuns"])
        self.category_by_id = ByKey[CategoryDoc](database["categories"])
        self.category_by_slug = ByKey[CategoryDoc](database["categories"], "slug")
        self.instructor_by_id = ByKey[InstructorDoc](database["instructors"])
        self.student_by_id = ByKey[StudentDoc](database["students"])
        self.enrollment_by_id = ByKey[EnrollmentDoc](database["enrollments"])
        self.review_by_id = ByKey[ReviewDoc](database["reviews"])
