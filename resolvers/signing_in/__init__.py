"""Signing up, in and out: sessions, passwords, addresses, and the throttle for sign-in attempts."""

from resolvers.signing_in.account_deletion import delete_account
from resolvers.signing_in.email_change import change_email
from resolvers.signing_in.email_verification import finish_claim, verify_email
from resolvers.signing_in.new_password import change_password, reset_password
from resolvers.signing_in.own_sessions import end_session
from resolvers.signing_in.requested_links import request_password_reset, resend_verification
from resolvers.signing_in.session import refresh_session, sign_in, sign_out, sign_up

__all__ = [
    "change_email",
    "change_password",
    "delete_account",
    "end_session",
    "finish_claim",
    "refresh_session",
    "request_password_reset",
    "resend_verification",
    "reset_password",
    "sign_in",
    "sign_out",
    "sign_up",
    "verify_email",
]
