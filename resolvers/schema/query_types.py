"""The Query type, and the types that are reachable only from it: platform statistics and the audit log."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

import resolvers.audit
import resolvers.platform
import resolvers.query
from loaders.model import MOST_CATEGORIES, MOST_CHANGES, MOST_ROLES
from resolvers import fields, relay
from resolvers.inputs import Role
from resolvers.relay import global_id
from resolvers.schema import weights
from resolvers.schema.account_types import Account
from resolvers.schema.people_types import Viewer
from resolvers.schema.relay_types import Connection, Node
from resolvers.schema.types import (
    Category,
    Course,
    CourseConnection,
    Instructor,
    Review,
    Student,
)

# -- platform -------------------------------------------------------------------------------------------


@strawberry.type(description="Statistics about the whole platform.")
class PlatformStats:
    students_enrolled: int = fields.level(
        resolvers.platform.students_enrolled,
        weight=weights.FACETS,
        description="Number of students who are taking or have taken at least one course. Each student is"
        " counted once.",
    )
    total_courses: int = fields.level(
        resolvers.platform.total_courses, description="Number of published courses."
    )
    students: int = fields.level(resolvers.platform.students, description="Number of students.")
    countries: int = fields.level(
        resolvers.platform.countries, description="Number of countries in which students live."
    )
    reviews: int = fields.level(
        resolvers.platform.reviews, description="Number of published reviews of published courses."
    )
    average_rating: float | None = fields.level(
        resolvers.platform.average_rating,
        description="Mean of all ratings of published courses, rounded to two decimals; null if there are no"
        " ratings.",
    )


# -- the budget of the client -----------------------------------------------------------------------------


@strawberry.type(description="The budget of the client that sent the operation.")
class RateLimit:
    limit: int = fields.plain(
        "Number of points that the budget holds when it is full; 2147483647 if the client has no limit."
    )
    remaining: int = fields.plain(
        "Number of points that are left, after this operation's maximum cost was taken. If the gateway has"
        " several processes, this is an estimate."
    )
    used: int = fields.plain("Number of points that are missing from a full budget.")
    cost: int = fields.plain(
        "Number of points that were taken for this operation. What it doesn't need is given back when it has"
        " been run."
    )
    reset_at: datetime = fields.plain(
        "When the budget will be full again if the client sends no other operation."
    )


# -- the audit log ----------------------------------------------------------------------------------------


@strawberry.type(
    description="The person who made a write, or the command line, as recorded in the audit log."
)
class AuditActor:
    subject: str = fields.plain(
        'ID of the account, or "issuer|sub" for an account at an external identity provider; "command line"'
        ' for the `lectern` command; "gateway" for the follow-up work of a gateway; "(erased)" for an'
        " external account that was erased; empty if nobody was signed in."
    )
    name: str | None = fields.level(
        resolvers.audit.name,
        reads=["subject", "studentId", "instructorId"],
        rare_commands=2,
        description="Current name of the actor; null if it is unknown, and for the `lectern` command.",
    )
    email: str | None = fields.level(
        resolvers.audit.email,
        reads=["subject", "studentId"],
        rare_commands=1,
        description="Current e-mail address of the actor; null if it is unknown, and for the `lectern`"
        " command.",
    )
    roles: list[Role] = fields.listed("roles", MOST_ROLES, "Roles of the actor at the time of the write.")
    student: Student | None = fields.level(
        resolvers.audit.student,
        reads=["studentId"],
        description="The actor's student profile; null if they were not a student.",
    )
    instructor: Instructor | None = fields.level(
        resolvers.audit.instructor,
        reads=["instructorId"],
        description="The actor's instructor profile; null if they were not an instructor.",
    )


@strawberry.type(description="A document that a write changed, before and after the write.")
class AuditChange:
    collection: str = fields.plain("Name of the MongoDB collection that contains the document.")
    document_id: str = fields.plain(
        "ObjectId of the document, in hexadecimal. For a vote on a review, the ObjectIds of the review and"
        " the student, separated by a space."
    )
    node: Node | None = fields.level(
        resolvers.audit.node,
        rare_commands=1,
        description="The document in its current state; null if it no longer exists, or if its type is not a"
        " `Node`.",
    )
    before: JSON | None = fields.plain(
        "Old values of the fields that the write set or deleted; null if the write created the document."
        ' Secret values are replaced by "(secret)".',
        weight=weights.DOCUMENT,
    )
    after: JSON | None = fields.plain(
        "New values of the fields that the write set; null if the write deleted the document."
        ' Secret values are replaced by "(secret)".',
        weight=weights.DOCUMENT,
    )


@strawberry.type(
    description="An audit log entry for a write. A write that changed more than 50 documents is split across"
    " several entries."
)
class AuditEntry(Node):
    id: strawberry.ID = fields.computed(global_id("AuditEntry"), description="Global ID of the entry.")
    at: datetime = fields.plain("When the write was made.")
    action: str = fields.plain(
        'Name of the mutation or command that made the write, such as "createReview" or "account create".'
    )
    actor: AuditActor = fields.plain("The person who made the write, or the command line.")
    address: str = fields.plain(
        "Network address from which the request came; empty if the write was made from the command line."
    )
    changes: list[AuditChange] = fields.listed(
        "changes", MOST_CHANGES, "Documents that the write changed, at most 50."
    )


@strawberry.type(description="The root type for all queries.")
class Query:
    node: Node | None = fields.root(
        resolvers.query.node,
        commands=2,
        description="An object by its global ID; null if it doesn't exist or the viewer is not allowed to see"
        " it.",
    )
    nodes: list[Node | None] = fields.root(
        resolvers.query.nodes,
        commands=2,
        most=relay.MOST_IDS,
        description="Objects by their global IDs: one entry per ID, in the order of the IDs. An entry is null"
        " if the object doesn't exist or the viewer is not allowed to see it.",
    )
    course: Course | None = fields.root(
        resolvers.query.course,
        rare_commands=2,
        description="A course by its global ID or by its slug; exactly one of the two must be given. The"
        " result is null if the course doesn't exist or the viewer is not allowed to see it. A former slug"
        " also finds the course; if the course's `slug` differs from the requested slug, redirect to the URL"
        " with the course's `slug`.",
    )
    courses: CourseConnection = fields.root(
        resolvers.query.courses,
        search_commands=weights.SEARCH_COMMANDS,
        description="The catalogue, which contains all published courses. Staff can list courses with any"
        " status.",
    )
    categories: list[Category] = fields.root(
        resolvers.query.categories,
        most=MOST_CATEGORIES,
        description="All categories, ordered by position, then by name; at most 250.",
    )
    category: Category | None = fields.root(
        resolvers.query.category,
        rare_commands=1,
        description="A category by its current slug or a former slug; null if there is no such category.",
    )
    student: Student | None = fields.root(
        resolvers.query.student,
        description="A student by global ID; null if there is no student with this ID.",
    )
    students: Connection[Student] = fields.root(
        resolvers.query.students,
        description="All students, ordered by name. Only staff can see them; for everyone else the list is"
        " empty.",
    )
    review: Review | None = fields.root(
        resolvers.query.review,
        commands=2,
        description="A review by global ID; null if it doesn't exist or the viewer is not allowed to see it.",
    )
    reviews: Connection[Review] = fields.root(
        resolvers.query.reviews,
        search_commands=weights.SCAN_COMMANDS,
        description="Published reviews of all published courses. Staff can list reviews with any status, of"
        " any course: the moderation queue.",
    )
    platform: PlatformStats = fields.root(
        resolvers.query.platform, commands=0, description="Statistics about the whole platform."
    )
    viewer: Viewer | None = fields.root(
        resolvers.query.viewer,
        commands=0,
        description="The person who sent the request; null if they are not signed in.",
    )
    rate_limit: RateLimit = fields.root(
        resolvers.query.rate_limit,
        commands=0,
        description="The budget of the client that sent the operation.",
    )
    instructor: Instructor | None = fields.root(
        resolvers.query.instructor,
        rare_commands=2,
        description="An instructor by global ID or by slug; exactly one of the two must be given. The result"
        " is null if there is no such instructor. A former slug also finds the instructor.",
    )
    instructors: Connection[Instructor] = fields.root(
        resolvers.query.instructors, description="All instructors, ordered by name."
    )
    accounts: Connection[Account] = fields.root(
        resolvers.query.accounts,
        description="All accounts, ordered by name. Only staff can see them; for everyone else the list is"
        " empty.",
    )
    audit_log: Connection[AuditEntry] = fields.root(
        resolvers.query.audit_log,
        rare_commands=2,
        description="Entries in the audit log, latest first. Only staff can see them; for everyone else the"
        " list is empty.",
    )
