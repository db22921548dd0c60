"""The mutations about courses and their runs, and their payloads."""

import strawberry

import resolvers.course
import resolvers.course_run
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.types import Course, CourseRun
from resolvers.schema.writes.payloads import EVENTS, MESSAGES, Payload
from resolvers.writing import write


@strawberry.type
class CoursePayload(Payload):
    course: Course | None = fields.plain("The updated course; null if the mutation was refused.")


@strawberry.type(description="Result of `createCourse`.")
class CreateCoursePayload(CoursePayload):
    course: Course | None = fields.plain("The new course; null if the mutation was refused.")


@strawberry.type(description="Result of `updateCourse`.")
class UpdateCoursePayload(CoursePayload):
    pass


@strawberry.type(description="Result of `publishCourse`.")
class PublishCoursePayload(CoursePayload):
    pass


@strawberry.type(description="Result of `archiveCourse`.")
class ArchiveCoursePayload(CoursePayload):
    pass


@strawberry.type(description="Result of `deleteCourse`.")
class DeleteCoursePayload(CoursePayload):
    course: Course | None = fields.plain(
        "The course, as it was before it was deleted; null if the mutation was refused."
    )


@strawberry.type
class CourseRunPayload(Payload):
    course_run: CourseRun | None = fields.plain("The updated run; null if the mutation was refused.")


@strawberry.type(description="Result of `createCourseRun`.")
class CreateCourseRunPayload(CourseRunPayload):
    course_run: CourseRun | None = fields.plain("The new run; null if the mutation was refused.")


@strawberry.type(description="Result of `updateCourseRun`.")
class UpdateCourseRunPayload(CourseRunPayload):
    pass


@strawberry.type(description="Result of `cancelCourseRun`.")
class CancelCourseRunPayload(CourseRunPayload):
    pass


@strawberry.type
class CatalogueWrites:
    create_course: CreateCoursePayload = write(
        resolvers.course.create_course,
        write_inputs.CreateCourseInput,
        commands=10,
        description="Creates a course as a draft.",
    )
    update_course: UpdateCoursePayload = write(
        resolvers.course.update_course,
        write_inputs.UpdateCourseInput,
        commands=11,
        description="Changes a course. Omitted fields keep their values.",
    )
    publish_course: PublishCoursePayload = write(
        resolvers.course.publish_course,
        write_inputs.PublishCourseInput,
        follow_up=resolvers.course.fill_runs,
        commands=9,
        rare_commands=EVENTS + MESSAGES,
        description="Publishes a course in the catalogue. The course must have a summary and a delivery"
        " mode.",
    )
    archive_course: ArchiveCoursePayload = write(
        resolvers.course.archive_course,
        write_inputs.ArchiveCourseInput,
        commands=7,
        description="Removes a course from the catalogue. Its runs, reviews and enrolments are kept.",
    )
    create_course_run: CreateCourseRunPayload = write(
        resolvers.course_run.create_course_run,
        write_inputs.CreateCourseRunInput,
        commands=9,
        description="Creates a run of a course.",
    )
    update_course_run: UpdateCourseRunPayload = write(
        resolvers.course_run.update_course_run,
        write_inputs.UpdateCourseRunInput,
        follow_up=resolvers.course_run.fill_run,
        commands=14,
        rare_commands=EVENTS + MESSAGES,
        description="Changes a run. If seats are added, they go to the students on the waitlist.",
    )
    cancel_course_run: CancelCourseRunPayload = write(
        resolvers.course_run.cancel_course_run,
        write_inputs.CancelCourseRunInput,
        follow_up=resolvers.course_run.cancel_places,
        commands=17,
        rare_commands=EVENTS + MESSAGES,
        description="Cancels a run. Its active and waitlisted enrolments are cancelled, and nobody can enrol"
        " in it any more. A cancelled run can't be reopened.",
    )
    delete_course: DeleteCoursePayload = write(
        resolvers.course.delete_course,
        write_inputs.DeleteCourseInput,
        follow_up=resolvers.course.drop_prerequisite,
        commands=16,
        description="Deletes a draft with its runs. Nobody may have enrolled in it or reviewed it.",
    )
