"""Signing up, in and out: sessions, passwords, and the throttle for sign-in attempts."""

from resolvers.signing_in.session import (
    change_password,
    refresh_session,
    reset_password,
    sign_in,
    sign_out,
    sign_up,
)

__all__ = [
    "change_password",
    "refresh_session",
    "reset_password",
    "sign_in",
    "sign_out",
    "sign_up",
]
