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
    find_by_email,
    insert,
    people,
    refresh_session,
    session,
    session_and_time,
    sign_up_session,
)
from loaders.accounts.external_people import instructor_of, student_of
from loaders.accounts.login_attempts import (
    Attempt,
    forget_attempts,
    give_back_attempt,
    is_remembered,
    remember,
    spend_attempt,
)
from loaders.accounts.trial_people import trial_instructor, trial_student

__all__ = [
    "Attempt",
    "begin_session",
    "by_email",
    "by_id",
    "by_instructor",
    "by_reset",
    "change",
    "end_session",
    "end_sessions",
    "find_by_email",
    "forget_attempts",
    "give_back_attempt",
    "insert",
    "instructor_of",
    "is_remembered",
    "people",
    "refresh_session",
    "remember",
    "session",
    "session_and_time",
    "sign_up_session",
    "spend_attempt",
    "student_of",
    "trial_instructor",
    "trial_student",
]
