"""Declarations of the schema's object types, without logic.

Query, and the types that are reachable only from it, are in query_types.py; lists and their pages in
relay_types.py; amounts of money and ratings in value_types.py. A plain field is stored under its
GraphQL name. Every other field names the function that resolves it.
"""

from datetime import datetime

import strawberry

import resolvers.category
import resolvers.course
import resolvers.course_run
import resolvers.course_search
import resolvers.enrollment
import resolvers.instructor
import resolvers.review
import resolvers.student
import resolvers.values
import resolvers.viewer
from loaders.course import FACET_RATINGS, MOST_FACET_VALUES
from loaders.model import (
    MOST_CATEGORIES,
    MOST_CODES,
    MOST_DELIVERY_MODES,
    MOST_INSTRUCTORS,
    MOST_PREREQUISITES,
    MOST_TAGS,
)
from resolvers import fields
from resolvers.course import RELATED
from resolvers.inputs import (
    CourseRunStatus,
    CourseStatus,
    DeliveryMode,
    EnrollmentStatus,
    Level,
    ReviewStatus,
)
from resolvers.relay import global_id
from resolvers.schema import weights
from resolvers.schema.relay_types import Connection, Node
from resolvers.schema.value_types import Money, RatingSummary

# -- catalogue ------------------------------------------------------------------------------------------


@strawberry.type(
    description="A course of any status: draft, published in the catalogue, or archived. Its text fields are"
    " plain text, which must be escaped when shown in HTML; only `description` is Markdown."
)
class Course(Node):
    id: strawberry.ID = fields.computed(global_id("Course"), description="Global ID of the course.")
    slug: str = fields.plain("Name of the course in URLs, unique among courses.")
    codes: list[str] = fields.listed(
        "codes", MOST_CODES, "Catalogue codes of the course, at most 20. A cross-listed course has several."
    )
    title: str = fields.plain("Title of the course.")
    summary: str | None = fields.plain(
        "Summary of the course in a sentence or two; null if there is none.", weight=weights.TEXT
    )
    description: str | None = fields.plain(
        "Full description of the course, in Markdown; null if there is none. Any HTML tags in it are"
        " literal text, so render it with raw HTML disabled.",
        weight=weights.LONG_TEXT,
    )
    category: "Category | None" = fields.level(
        resolvers.course.category,
        rare_commands=1,
        reads=["categorySlug"],
        description="Category of the course; null if there is none.",
    )
    level: Level | None = fields.plain("Prior knowledge that the course requires; null if unknown.")
    delivery_modes: list[DeliveryMode] = fields.listed(
        "deliveryModes",
        MOST_DELIVERY_MODES,
        "How the course is delivered. A blended course has both modes; the list is empty if unknown.",
    )
    duration_days: int | None = fields.plain("Length of the course in days; null if unknown.")
    language: str | None = fields.plain("Language of instruction, as a BCP 47 tag; null if unknown.")
    tags: list[str] = fields.listed("tags", MOST_TAGS, "Keywords for the course, at most 20.")
    price: Money | None = fields.plain("Price of the course; null if unknown.")
    credits: float | None = fields.plain(
        "Number of credits for completing the course, as defined by its institution; null if unknown."
    )
    institution: str | None = fields.plain("Name of the institution that offers the course; null if unknown.")
    url: str | None = fields.computed(
        resolvers.values.shown_url("url"),
        reads=["url"],
        description="URL of the course on another site, always http or https; null if there is none.",
    )
    image_url: str | None = fields.computed(
        resolvers.values.shown_url("imageUrl", https_only=True),
        reads=["imageUrl"],
        description="URL of a picture of the course, always https; null if there is none.",
    )
    prerequisites: list["Course"] = fields.level(
        resolvers.course.prerequisites,
        rare_commands=1,
        reads=["prerequisiteIds"],
        most=MOST_PREREQUISITES,
        description="Courses to take before this one, at most 20. Courses that the viewer is not allowed to"
        " see are left out. Imports leave out prerequisites that would form a cycle.",
    )
    related_courses: list["Course"] = fields.level(
        resolvers.course.related_courses,
        commands=3,
        reads=["categorySlug", "tags"],
        weight=weights.RELATED,
        most=RELATED,
        description="Courses in the catalogue that are related to this one: first those that several of its"
        " latest students also took, most of them first, then courses of the same category, those with the"
        " most tags in common first.",
    )
    instructors: list["Instructor"] = fields.level(
        resolvers.course.instructors,
        reads=["instructorIds"],
        most=MOST_INSTRUCTORS,
        description="Instructors who teach the course, at most 20.",
    )
    status: CourseStatus = fields.plain("Publication status of the course.")
    rating: RatingSummary = fields.computed(
        resolvers.values.summary, description="Summary of the course's ratings."
    )
    student_count: int = fields.plain(
        "Number of students who are taking or have taken the course. It includes students whom an import"
        " counted without creating enrolments for them."
    )
    created_at: datetime = fields.plain("When the course was created.")
    updated_at: datetime = fields.plain("When the course was last changed.")
    runs: Connection["CourseRun"] = fields.level(
        resolvers.course.runs,
        rare_commands=1,
        weight=weights.LIST,
        description="Runs of the course, ordered by start time, earliest first.",
    )
    reviews: Connection["Review"] = fields.level(
        resolvers.course.reviews,
        search_commands=weights.SCAN_COMMANDS,
        rare_commands=2,
        reads=["newestReviewIds"],
        weight=weights.LIST,
        description="Published reviews of the course. Staff also see pending and rejected reviews.",
    )
    enrollments: Connection["Enrollment"] = fields.level(
        resolvers.course.enrollments,
        reads=["instructorIds"],
        weight=weights.LIST,
        description="Enrolments in the course, latest first. Only staff and the instructors of the course can"
        " see them; for everyone else the list is empty.",
    )
    viewer_enrollment: "Enrollment | None" = fields.level(
        resolvers.course.viewer_enrollment,
        description="The viewer's active or waitlisted enrolment in the course; if there is none, their"
        " latest enrolment in it; null if they have never enrolled.",
    )
    viewer_review: "Review | None" = fields.level(
        resolvers.course.viewer_review,
        description="The viewer's review of the course, regardless of its status; null if they have not"
        " written one.",
    )
    viewer_can_review: bool = fields.level(
        resolvers.course.viewer_can_review,
        commands=2,
        description="Whether the viewer is taking or has taken the course and has not reviewed it yet.",
    )
    viewer_has_wishlisted: bool = fields.level(
        resolvers.course.viewer_has_wishlisted,
        description="Whether the course is on the viewer's wishlist; false for everyone without a wishlist.",
    )


@strawberry.type(description="One page of a list of courses, with facet counts for the whole list.")
class CourseConnection(Connection[Course]):
    searched_for: str | None = fields.plain(
        "The corrected search whose results are listed; null if the search in the filter was not corrected."
        " Only a search that finds nothing is corrected: each misspelt word is replaced by a word that"
        " differs from it by one letter, or by two adjacent letters that are swapped."
    )
    facets: "CourseFacets" = fields.level(
        resolvers.course_search.facets,
        weight=weights.FACETS,
        description="Course counts for a filter panel, covering all pages of the list. They are computed only"
        " if this field is selected.",
    )


@strawberry.type(
    description="Course counts for each option in a filter panel. A facet counts the courses that meet"
    " all criteria of the filter except the facet's own. A value that the filter contains is listed even if"
    " its count is 0."
)
class CourseFacets:
    categories: list["FacetCount"] = fields.listed(
        "categories", MOST_CATEGORIES, "Counts by category slug, highest count first, at most 250."
    )
    levels: list["FacetCount"] = fields.listed("levels", len(Level), "Counts by level, highest count first.")
    delivery_modes: list["FacetCount"] = fields.listed(
        "deliveryModes",
        MOST_DELIVERY_MODES,
        "Counts by delivery mode, highest count first. A blended course is counted for both modes.",
    )
    ratings: list["FacetCount"] = fields.listed(
        "ratings",
        len(FACET_RATINGS),
        'Counts by minimum average rating ("4.5", "4.0", "3.5" and "3.0"): the number of courses with that'
        " rating or higher.",
    )
    tags: list["FacetCount"] = fields.listed(
        "tags", MOST_FACET_VALUES, "Counts of the 50 most frequent tags, highest count first."
    )
    languages: list["FacetCount"] = fields.listed(
        "languages",
        MOST_FACET_VALUES,
        "Counts of the 50 most frequent languages of instruction, highest count first.",
    )
    currencies: list["FacetCount"] = fields.listed(
        "currencies",
        MOST_FACET_VALUES,
        "Counts of the 50 most frequent currencies of prices, highest count first.",
    )


@strawberry.type(description="Number of courses that match one option of a facet.")
class FacetCount:
    value: str = fields.plain(
        "The option: a category slug, a level, a delivery mode, a minimum rating, a tag, a language or a"
        " currency."
    )
    count: int = fields.plain("Number of courses that match the option.")
    label: str = fields.level(
        resolvers.course_search.facet_label,
        description='Label of the option for people: the name of a category, "Intermediate", "4.5 and up",'
        ' the name of a language in that language ("Deutsch"), or the English name of a currency ("Euro").'
        " The label of a tag is the tag.",
    )


@strawberry.type(
    description="A scheduled run of a course (a batch or cohort), with a start time and a number of seats."
)
class CourseRun(Node):
    id: strawberry.ID = fields.computed(global_id("CourseRun"), description="Global ID of the run.")
    course: Course = fields.level(
        resolvers.course_run.course, reads=["courseId"], description="The course that the run belongs to."
    )
    title: str | None = fields.plain(
        "Title of the run, as plain text; null if the run has no title other than the course's."
    )
    starts_at: datetime = fields.plain("When the run starts.")
    ends_at: datetime | None = fields.plain("When the run ends; null if unknown.")
    delivery_mode: DeliveryMode = fields.plain("How the run is delivered.")
    location: str | None = fields.plain("Venue of an on-site run, as plain text; null if there is none.")
    seats: int | None = fields.plain("Number of seats; null means unlimited.")
    seats_left: int | None = fields.computed(
        resolvers.course_run.seats_left,
        reads=["status", "seats", "seatsTaken"],
        description="Number of free seats, never negative; 0 if the run is cancelled; null means unlimited.",
    )
    waitlist_count: int = fields.plain("Number of students on the waitlist for the run.")
    status: CourseRunStatus = fields.computed(
        resolvers.course_run.status, reads=["status"], description="Whether the run takes place."
    )
    enrollments: Connection["Enrollment"] = fields.level(
        resolvers.course_run.enrollments,
        rare_commands=1,
        weight=weights.LIST,
        description="The roster of the run: all enrolments in it, latest first. Only staff and the"
        " instructors of the course can see them; for everyone else the list is empty.",
    )


@strawberry.type(description="A category of courses in the catalogue.")
class Category(Node):
    id: strawberry.ID = fields.computed(global_id("Category"), description="Global ID of the category.")
    slug: str = fields.plain("Name of the category in URLs, unique among categories.")
    name: str = fields.plain("Display name of the category, as plain text.")
    description: str | None = fields.plain(
        "Description of the category, as plain text; null if there is none.", weight=weights.TEXT
    )
    image_url: str | None = fields.computed(
        resolvers.values.shown_url("imageUrl", https_only=True),
        reads=["imageUrl"],
        description="URL of the category's picture, always https; null if there is none.",
    )
    position: int = fields.computed(
        resolvers.category.position,
        reads=["position"],
        description="Position of the category in the list of categories, lowest first; 0 if none was set."
        " Categories with the same position are ordered by name.",
    )
    course_count: int = fields.level(
        resolvers.category.course_count,
        reads=["slug"],
        weight=weights.COUNT,
        description="Number of published courses in the category. For staff, the number includes drafts and"
        " archived courses.",
    )
    courses: CourseConnection = fields.level(
        resolvers.category.courses,
        reads=["slug"],
        search_commands=weights.SEARCH_COMMANDS,
        weight=weights.LIST,
        description="Published courses in the category. Staff also see drafts and archived courses.",
    )


@strawberry.type(description="A person who teaches courses.")
class Instructor(Node):
    id: strawberry.ID = fields.computed(global_id("Instructor"), description="Global ID of the instructor.")
    slug: str = fields.computed(
        resolvers.instructor.slug,
        reads=["slug"],
        description="Name of the instructor in URLs, unique among instructors.",
    )
    name: str = fields.plain("Name of the instructor, as plain text.")
    headline: str | None = fields.plain(
        "One-line description of the instructor, as plain text; null if there is none."
    )
    bio: str | None = fields.plain(
        "Description of the instructor, as plain text; null if there is none.", weight=weights.TEXT
    )
    avatar_url: str | None = fields.computed(
        resolvers.values.shown_url("avatarUrl", https_only=True),
        reads=["avatarUrl"],
        description="URL of the instructor's picture, always https; null if there is none.",
    )
    course_count: int = fields.level(
        resolvers.instructor.course_count,
        weight=weights.COUNT,
        description="Number of published courses that the instructor teaches. For staff and the instructor it"
        " includes drafts and archived courses.",
    )
    rating: RatingSummary = fields.level(
        resolvers.instructor.rating,
        weight=weights.COUNT,
        description="Summary of the ratings of all published courses that the instructor teaches.",
    )
    courses: CourseConnection = fields.level(
        resolvers.instructor.courses,
        weight=weights.LIST,
        description="Published courses that the instructor teaches, best rated first. Staff and the"
        " instructor also see drafts and archived courses.",
    )


# -- people ---------------------------------------------------------------------------------------------


@strawberry.type(description="A person who takes courses.")
class Student(Node):
    id: strawberry.ID = fields.computed(global_id("Student"), description="Global ID of the student.")
    name: str = fields.plain('Name of the student, as plain text; "Anonymous student" if unknown.')
    avatar_url: str | None = fields.plain("URL of the student's picture; null if there is none.")
    country: str | None = fields.plain(
        "Country in which the student lives, as an ISO 3166-1 alpha-2 code; null if unknown."
    )
    bio: str | None = fields.plain(
        "The student's description of themselves, as plain text; null if there is none.", weight=weights.TEXT
    )
    email: str | None = fields.level(
        resolvers.student.email,
        reads=["email"],
        commands=0,
        description="E-mail address of the student. Only staff and the student can see it; for everyone else"
        " it is null.",
    )
    joined_at: datetime | None = fields.plain("When the student joined; null if unknown.")
    reviews: Connection["Review"] = fields.level(
        resolvers.student.reviews,
        search_commands=weights.SCAN_COMMANDS,
        rare_commands=1,
        reads=["newestReviewIds"],
        commands=2,
        weight=weights.LIST,
        description="The student's published reviews of published courses. Staff see all of the student's"
        " reviews.",
    )
    enrollments: Connection["Enrollment"] = fields.level(
        resolvers.student.enrollments,
        weight=weights.LIST,
        description="The student's enrolments, latest first. Only staff and the student can see them; for"
        " everyone else the list is empty.",
    )


@strawberry.type(description="A student's enrolment in a course.")
class Enrollment(Node):
    id: strawberry.ID = fields.computed(global_id("Enrollment"), description="Global ID of the enrolment.")
    course: Course = fields.level(
        resolvers.enrollment.course,
        reads=["courseId"],
        description="The course in which the student is enrolled.",
    )
    run: CourseRun | None = fields.level(
        resolvers.enrollment.run,
        reads=["runId"],
        description="The run in which the student is enrolled; null if the enrolment is not for a particular"
        " run.",
    )
    student: Student = fields.level(
        resolvers.enrollment.student, reads=["studentId"], description="The enrolled student."
    )
    status: EnrollmentStatus = fields.plain("Status of the enrolment.")
    progress: float = fields.plain("Fraction of the course that the student has completed, from 0 to 1.")
    enrolled_at: datetime | None = fields.plain(
        "When the student enrolled or joined the waitlist; null if unknown."
    )
    completed_at: datetime | None = fields.plain(
        "When the student completed the course; null if they have not completed it, or if the time is"
        " unknown."
    )
    waitlist_position: int | None = fields.level(
        resolvers.enrollment.waitlist_position,
        reads=["status", "runId"],
        weight=weights.LIST,
        description="Position on the waitlist of the run; 1 moves up next. Null if the enrolment is not"
        " waitlisted.",
    )


# -- reviews --------------------------------------------------------------------------------------------


@strawberry.type(
    description="A student's review of a course. Its text fields are plain text, which must be escaped"
    " when shown in HTML."
)
class Review(Node):
    id: strawberry.ID = fields.computed(global_id("Review"), description="Global ID of the review.")
    course: Course = fields.level(
        resolvers.review.course, reads=["courseId"], description="The reviewed course."
    )
    student: Student | None = fields.level(
        resolvers.review.student,
        reads=["studentId"],
        description="Author of the review; null if the review is anonymous or the account no longer exists.",
    )
    rating: int | None = fields.plain("Number of stars, from 1 to 5; null only for some imported reviews.")
    title: str | None = fields.plain("Title of the review; null if there is none.")
    body: str = fields.plain("Text of the review.", weight=weights.TEXT)
    difficulty: int | None = fields.plain(
        "How hard the author found the course, from 1 to 5; null if not given."
    )
    workload_hours: float | None = fields.plain(
        "Workload of the course in hours per week, as reported by the author; null if not given."
    )
    term: str | None = fields.plain(
        'Term in which the author took the course; null if not given. For example, "2014-3" is the third term'
        " of 2014."
    )
    verified: bool = fields.plain("Whether the author is known to have been enrolled in the course.")
    helpful_count: int = fields.plain("Number of people who found the review helpful.")
    viewer_found_helpful: bool = fields.level(
        resolvers.review.viewer_found_helpful,
        description="Whether the viewer has marked the review as helpful.",
    )
    reply: "ReviewReply | None" = fields.plain("Reply to the review; null if there is none.")
    status: ReviewStatus = fields.plain("Moderation status of the review.")
    flag_count: int = fields.level(
        resolvers.review.flag_count,
        reads=["flagCount"],
        commands=0,
        description="Number of people who have flagged the review since it was last moderated. Only staff can"
        " see it; for everyone else it is 0.",
    )
    moderation_reason: str | None = fields.level(
        resolvers.review.moderation_reason,
        reads=["moderationReason", "studentId"],
        commands=0,
        weight=weights.LONG_TEXT,
        description="Reason for the last moderation; null if none was given. Only staff and the author can"
        " see it; for everyone else it is null.",
    )
    created_at: datetime | None = fields.plain("When the review was written; null if unknown.")
    updated_at: datetime | None = fields.plain("When the review was last changed; null if unknown.")


@strawberry.type(description="A reply to a review, by an instructor of the course or by staff.")
class ReviewReply:
    author: Instructor | None = fields.level(
        resolvers.review.reply_author,
        description="The instructor who wrote the reply; null if staff wrote it or the author is unknown.",
    )
    body: str = fields.plain(
        "Text of the reply: plain text, which must be escaped when shown in HTML.", weight=weights.TEXT
    )
    created_at: datetime = fields.plain("When the reply was written.")
