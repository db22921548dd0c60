"""Inputs of the mutations about sessions and the viewer's own account."""

import strawberry

from resolvers import values
from resolvers.schema.write_inputs.input_fields import (
    LONG,
    SHORT,
    IdempotentInput,
    MutationInput,
    not_null,
    optional,
    required,
)

#: Credentials and tokens are truncated to these lengths, in characters. Every valid credential or token is
#: shorter, so a truncated one is never valid.
_WORD, _TOKEN = 500, 2_000


@strawberry.input(description="Account and profile of a new student.")
class SignUpInput(IdempotentInput):
    name: str = required(
        values.line(SHORT), "Name of the student, as shown to others, in plain text; at most 200 characters."
    )
    email: str = required(values.email, "E-mail address with which the student signs in.")
    password: str = required(values.password, "Password, 10 to 200 characters.")
    country: str | None = optional(
        values.or_none(values.country),
        "Country in which the student lives, as an ISO 3166-1 alpha-2 code.",
    )


@strawberry.input(description="Credentials for signing in.")
class SignInInput(MutationInput):
    email: str = required(values.compared(_WORD), "E-mail address of the account; case-insensitive.")
    password: str = required(values.compared(_WORD), "Password of the account.")
    device_token: str | None = optional(
        values.compared(_TOKEN),
        "The `deviceToken` that this device got when it last signed in to the account.",
    )


@strawberry.input(description="Refresh token of the session to continue.")
class RefreshSessionInput(IdempotentInput):
    refresh_token: str = required(
        values.compared(_TOKEN), "The latest refresh token of the session. It can be used only once."
    )


@strawberry.input(description="The session to end.")
class SignOutInput(MutationInput):
    refresh_token: str | None = optional(
        values.compared(_TOKEN),
        "A refresh token of the session to end. If it is omitted, the session that the access token"
        " belongs to is ended.",
    )


@strawberry.input(description="The viewer's current password and the new one.")
class ChangePasswordInput(MutationInput):
    current_password: str = required(values.compared(_WORD), "The viewer's current password.")
    new_password: str = required(values.password, "New password, 10 to 200 characters.")


@strawberry.input(description="Token from a password reset link, and the new password.")
class ResetPasswordInput(MutationInput):
    token: str = required(values.compared(_TOKEN), "Token from the reset link. It can be used only once.")
    new_password: str = required(values.password, "New password, 10 to 200 characters.")


@strawberry.input(
    description="Changes to the viewer's profile. Omitted fields keep their values; null removes the value of"
    " an optional field."
)
class UpdateProfileInput(IdempotentInput):
    name: str | None = not_null(
        values.line(SHORT), "Name of the student, as plain text; at most 200 characters."
    )
    country: str | None = optional(
        values.or_none(values.country),
        "Country in which the student lives, as an ISO 3166-1 alpha-2 code.",
    )
    bio: str | None = optional(
        values.or_none(values.text(LONG)),
        "The student's description of themselves, as plain text; at most 2,000 characters.",
    )
    avatar_url: str | None = optional(
        values.or_none(values.url),
        "URL of the student's picture, starting with https:// or http://; at most 500 characters.",
    )


@strawberry.input(description="The session to end.")
class EndSessionInput(IdempotentInput):
    session_id: strawberry.ID = required(
        values.compared(_WORD), "ID of one of the viewer's own sessions: `Session.id`."
    )


@strawberry.input
class MessageInput(MutationInput):
    idempotency_key: str | None = optional(
        values.key,
        "Key that makes retries safe: any string of 1 to 200 characters, such as a UUID. A message that waits"
        " to be sent isn't sent twice to the same address for the same key.",
    )


@strawberry.input(description="The account for which to mail a link that resets the password.")
class RequestPasswordResetInput(MessageInput):
    email: str = required(values.email, "E-mail address of the account.")


@strawberry.input(description="The account for which to mail a link that verifies the address.")
class ResendVerificationInput(MessageInput):
    email: str = required(values.email, "E-mail address of the account.")


@strawberry.input(description="Token from a link that verifies or changes the address of an account.")
class VerifyEmailInput(IdempotentInput):
    token: str = required(values.compared(_TOKEN), "Token from the link. It can be used only once.")


@strawberry.input(description="The new address of the viewer's account.")
class ChangeEmailInput(MessageInput):
    new_email: str = required(values.email, "E-mail address with which the viewer wants to sign in.")
    password: str = required(values.compared(_WORD), "The viewer's current password.")
