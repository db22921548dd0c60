"""Declarations of the types that only staff see: accounts."""

from datetime import datetime

import strawberry

import resolvers.people
from loaders.model import MOST_ROLES
from resolvers import fields
from resolvers.inputs import AccountStatus, Role
from resolvers.relay import global_id
from resolvers.schema.relay_types import Node
from resolvers.schema.types import Instructor, Student


@strawberry.type(description="An account for signing in to Lectern. Only staff can see accounts.")
class Account(Node):
    id: strawberry.ID = fields.computed(global_id("Account"), description="Global ID of the account.")
    email: str = fields.plain("E-mail address with which the account's owner signs in, in lower case.")
    email_verified: bool = fields.computed(
        resolvers.people.email_verified,
        reads=["emailVerifiedAt"],
        description="Whether the account's owner has proved that the e-mail address is theirs.",
    )
    name: str = fields.computed(
        resolvers.people.name,
        reads=["name", "email"],
        description="Name of the account's owner, as plain text; the e-mail address if the name is unknown.",
    )
    roles: list[Role] = fields.listed("roles", MOST_ROLES, "Roles of the account.")
    status: AccountStatus = fields.computed(
        resolvers.people.status, reads=["status"], description="Whether the account can be used."
    )
    student: Student | None = fields.level(
        resolvers.people.student,
        reads=["studentId"],
        description="The student who owns the account; null if there is none.",
    )
    instructor: Instructor | None = fields.level(
        resolvers.people.instructor,
        reads=["instructorId"],
        description="The instructor who owns the account; null if there is none.",
    )
    created_at: datetime = fields.plain("When the account was created.")
    last_seen_at: datetime | None = fields.computed(
        resolvers.people.last_seen_at,
        reads=["signedInAt", "seenAt"],
        description="When the account's owner last signed in or, to within an hour, refreshed a session; null"
        " if they have never signed in.",
    )
