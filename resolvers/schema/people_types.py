"""Declarations of the types about people and their accounts, without logic."""

from datetime import datetime

import strawberry

import resolvers.viewer
from loaders.accounts import MOST_SESSIONS
from loaders.model import MOST_ROLES
from resolvers import fields
from resolvers.inputs import Role
from resolvers.schema import weights
from resolvers.schema.types import CourseConnection, Instructor, Student


@strawberry.type(description="A place where the viewer is signed in.")
class Session:
    id: strawberry.ID = fields.computed(
        resolvers.viewer.session_id, description="ID of the session, for `endSession`."
    )
    created_at: datetime = fields.plain("When the session was started, by a sign-in.")
    last_seen_at: datetime = fields.computed(
        resolvers.viewer.last_seen_at,
        reads=["lastSeenAt", "createdAt"],
        description="When the session was refreshed last, or started. A session in use is refreshed every ten"
        " minutes.",
    )
    address: str | None = fields.computed(
        resolvers.viewer.session_address,
        reads=["address"],
        description="Network address from which the session was refreshed last, or started; null if unknown.",
    )
    client: str | None = fields.computed(
        resolvers.viewer.session_client,
        reads=["client"],
        description="Beginning of the `User-Agent` header with which the session was refreshed last, or"
        " started, in plain text; at most 200 characters; null if unknown.",
    )
    current: bool = fields.plain("Whether the request was sent with a token of this session.")


@strawberry.type(description="The person who sent the request.")
class Viewer:
    id: strawberry.ID = fields.plain(
        "Identifies the viewer: the same text as `AuditActor.subject`. Not a global ID."
    )
    name: str = fields.level(
        resolvers.viewer.name,
        reads=["studentId", "instructorId", "accountId"],
        rare_commands=2,
        description="Name of the viewer: as a student, otherwise as an instructor, otherwise the name of the"
        " account; empty if there is none.",
    )
    email: str | None = fields.level(
        resolvers.viewer.email,
        reads=["accountId"],
        description="E-mail address with which the viewer signs in; null if they sign in with an external"
        " issuer.",
    )
    email_verified: bool = fields.level(
        resolvers.viewer.email_verified,
        reads=["accountId"],
        description="Whether the viewer has shown that the address is theirs, by opening a link that was sent"
        " there.",
    )
    sessions: list[Session] = fields.level(
        resolvers.viewer.sessions,
        reads=["accountId"],
        weight=weights.LIST,
        most=MOST_SESSIONS,
        description="Sessions of the viewer's account that have neither ended nor expired, the one that was"
        " refreshed last first; at most 100. Empty if the viewer signs in with an external issuer.",
    )
    student: Student | None = fields.level(
        resolvers.viewer.student,
        reads=["studentId"],
        description="The viewer's student profile; null if they are not a student.",
    )
    instructor: Instructor | None = fields.level(
        resolvers.viewer.instructor,
        reads=["instructorId"],
        description="The viewer's instructor profile; null if they are not an instructor.",
    )
    roles: list[Role] = fields.listed("roles", MOST_ROLES, "Roles of the viewer.")
    wishlist: CourseConnection = fields.level(
        resolvers.viewer.wishlist,
        reads=["studentId"],
        commands=2,
        description="Courses on the viewer's wishlist, most recently added first. Courses that are no longer"
        " in the catalogue are omitted.",
    )
