"""Accounts, sessions and sign-in attempts, and the people who sign in through external issuers."""

from loaders.accounts.account import (
    begin_session,
    by_email,
    by_id,
    by_instructor,
    by_reset,
    change,
    end_session,
    end_sessions,
    insert,
    people,
    refresh_session,
    session,
)
from loaders.accounts.external_people import instructor_of, student_of
from loaders.accounts.login_attempts import forget_attempts, give_back_attempt, spend_attempt
from loaders.accounts.trial_people import trial_instructor, trial_student

__all__ = [
    "begin_session",
    "by_email",
    "by_id",
    "by_instructor",
    "by_reset",
    "change",
    "end_session",
    "end_sessions",
    "forget_attempts",
    "give_back_attempt",
    "insert",
    "instructor_of",
    "people",
    "refresh_session",
    "session",
    "spend_attempt",
    "student_of",
    "trial_instructor",
    "trial_student",
]
