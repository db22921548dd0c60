"""Permissions: the table of rules, and the functions that evaluate them."""

from resolvers.access.permissions import (
    ANY_COURSE,
    allows,
    as_instructor,
    as_student,
    course_statuses,
    has_rule,
    moderates,
    require,
    require_role,
    review_statuses,
    sees,
    sees_accounts,
    sees_audit_log,
    sees_email,
    sees_enrollments,
    sees_enrollments_of,
    sees_students,
)
from resolvers.access.visibility import runs_with_visible_roster, visible

__all__ = [
    "ANY_COURSE",
    "allows",
    "as_instructor",
    "as_student",
    "course_statuses",
    "has_rule",
    "moderates",
    "require",
    "require_role",
    "review_statuses",
    "runs_with_visible_roster",
    "sees",
    "sees_accounts",
    "sees_audit_log",
    "sees_email",
    "sees_enrollments",
    "sees_enrollments_of",
    "sees_students",
    "visible",
]
