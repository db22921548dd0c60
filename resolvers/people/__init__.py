"""People as the staff see them: their accounts."""

from resolvers.people.account import (
    email_verified,
    instructor,
    last_seen_at,
    name,
    status,
    student,
    update_account,
)
from resolvers.people.erasure import erase_student, finish_erasure
from resolvers.people.link import finish_link, link_account

__all__ = [
    "email_verified",
    "erase_student",
    "finish_erasure",
    "finish_link",
    "instructor",
    "last_seen_at",
    "link_account",
    "name",
    "status",
    "student",
    "update_account",
]
