"""The mutations about sessions and the viewer's own account, and their payloads."""

from datetime import datetime

import strawberry

import resolvers.signing_in
import resolvers.student
from resolvers import fields
from resolvers.schema import weights, write_inputs
from resolvers.schema.people_types import Viewer
from resolvers.schema.types import Student
from resolvers.schema.writes.payloads import MESSAGES, Payload
from resolvers.writing import mutation, write

#: Additional commands of a reset with a mailed link, which verifies the address.
_VERIFIES = 2
#: Additional commands of a mutation that claims a student: it begins a merge, and ends the other sessions.
_CLAIM = 8

#: Additional commands of a sign-in, sign-up or reset while attempts are counted, or that ends other sessions.
_THROTTLED = 6
#: Additional commands of a sign-up from an IPv6 address, which is counted for three networks.
_THREE_NETWORKS = 5


@strawberry.type(description="A session's tokens and the person who signed in.")
class SessionPayload(Payload):
    access_token: str | None = fields.plain(
        "Access token for the header `Authorization: Bearer …`; null if the mutation was refused."
    )
    refresh_token: str | None = fields.plain(
        "Single-use refresh token for `refreshSession`; null if the mutation was refused."
    )
    device_token: str | None = fields.plain(
        "Proof that this device has signed in to the account. Keep the latest one after signing out, and send"
        " it with the next `signIn`, so that failed attempts of others can't keep this device from signing"
        " in. It becomes invalid when the password changes. Null if the mutation was refused."
    )
    expires_at: datetime | None = fields.plain(
        "When the access token expires; null if the mutation was refused."
    )
    viewer: Viewer | None = fields.plain("The person who signed in; null if the mutation was refused.")


@strawberry.type(description="Result of `signOut`.")
class SignOutPayload(Payload):
    pass


@strawberry.type(description="Result of `changePassword`.")
class ChangePasswordPayload(Payload):
    viewer: Viewer | None = fields.plain(
        "The person whose password was changed; null if the mutation was refused."
    )


@strawberry.type(description="Result of `endSession`.")
class EndSessionPayload(Payload):
    viewer: Viewer | None = fields.plain(
        "The person whose session was ended; null if the mutation was refused."
    )


@strawberry.type(description="Result of `requestPasswordReset`, the same for every address.")
class RequestPasswordResetPayload(Payload):
    pass


@strawberry.type(description="Result of `resendVerification`, the same for every address.")
class ResendVerificationPayload(Payload):
    pass


@strawberry.type(description="Result of `verifyEmail`.")
class VerifyEmailPayload(Payload):
    viewer: Viewer | None = fields.plain(
        "The person whose address was verified or changed; null if the mutation was refused."
    )


@strawberry.type(description="Result of `changeEmail`, the same whether or not the new address is taken.")
class ChangeEmailPayload(Payload):
    viewer: Viewer | None = fields.plain(
        "The person who wants to change their address, still with the former one; null if the mutation was"
        " refused."
    )


@strawberry.type(description="Result of `updateProfile`.")
class UpdateProfilePayload(Payload):
    student: Student | None = fields.plain("The updated student; null if the mutation was refused.")


@strawberry.type
class SessionWrites:
    sign_up: SessionPayload = mutation(
        resolvers.signing_in.sign_up,
        write_inputs.SignUpInput,
        commands=15,
        rare_commands=_THROTTLED + _THREE_NETWORKS + MESSAGES,
        weight=weights.PASSWORD,
        has_own_limit=True,
        description="Creates an account for a new student, and signs the student in.",
    )
    sign_in: SessionPayload = mutation(
        resolvers.signing_in.sign_in,
        write_inputs.SignInInput,
        commands=14,
        rare_commands=_THROTTLED,
        weight=weights.PASSWORD,
        has_own_limit=True,
        description="Signs in with an e-mail address and a password, and starts a session.",
    )
    refresh_session: SessionPayload = mutation(
        resolvers.signing_in.refresh_session,
        write_inputs.RefreshSessionInput,
        commands=5,
        rare_commands=1,
        description="Exchanges a refresh token for new tokens of the same session. If a refresh token is"
        " used a second time, the session ends, unless the second use is a retry with the same idempotency"
        " key, or follows within 10 seconds, because several tabs of a browser may refresh at the same time.",
    )
    sign_out: SignOutPayload = mutation(
        resolvers.signing_in.sign_out,
        write_inputs.SignOutInput,
        commands=5,
        description="Ends a session. Ending a session that has already ended is not an error.",
    )
    change_password: ChangePasswordPayload = mutation(
        resolvers.signing_in.change_password,
        write_inputs.ChangePasswordInput,
        commands=13,
        rare_commands=_THROTTLED + MESSAGES,
        weight=2 * weights.PASSWORD,
        description="Changes the viewer's password and ends their other sessions.",
    )
    reset_password: SessionPayload = mutation(
        resolvers.signing_in.reset_password,
        write_inputs.ResetPasswordInput,
        commands=17,
        rare_commands=_THROTTLED + MESSAGES + _VERIFIES + _CLAIM,
        weight=weights.PASSWORD,
        has_own_limit=True,
        description="Sets a new password, using the token from a reset link. Ends all sessions of the"
        " account, and signs its owner in.",
    )
    update_profile: UpdateProfilePayload = write(
        resolvers.student.update_profile,
        write_inputs.UpdateProfileInput,
        commands=9,
        description="Changes the viewer's student profile.",
    )
    end_session: EndSessionPayload = write(
        resolvers.signing_in.end_session,
        write_inputs.EndSessionInput,
        commands=7,
        description="Ends one of the viewer's sessions, which may be this one. Its refresh tokens become"
        " invalid at once.",
    )
    request_password_reset: RequestPasswordResetPayload = mutation(
        resolvers.signing_in.request_password_reset,
        write_inputs.RequestPasswordResetInput,
        commands=6,
        rare_commands=_THREE_NETWORKS,
        weight=weights.MESSAGE,
        description="Mails a link that resets the password, if the address belongs to an account. The answer"
        " is the same for every address.",
    )
    resend_verification: ResendVerificationPayload = mutation(
        resolvers.signing_in.resend_verification,
        write_inputs.ResendVerificationInput,
        commands=6,
        rare_commands=_THREE_NETWORKS,
        weight=weights.MESSAGE,
        description="Mails a link that verifies the address, if it belongs to an account and isn't verified."
        " The answer is the same for every address.",
    )
    verify_email: VerifyEmailPayload = write(
        resolvers.signing_in.verify_email,
        write_inputs.VerifyEmailInput,
        follow_up=resolvers.signing_in.finish_claim,
        commands=16,
        rare_commands=MESSAGES + _CLAIM,
        description="Verifies the address of the viewer's account with the token from a link, or changes the"
        " address to the one to which the link was sent. If an import has brought a student with this"
        " address, the viewer is that student from then on.",
    )
    change_email: ChangeEmailPayload = mutation(
        resolvers.signing_in.change_email,
        write_inputs.ChangeEmailInput,
        commands=15,
        rare_commands=_THROTTLED + _THREE_NETWORKS,
        weight=weights.PASSWORD + weights.MESSAGE,
        description="Mails a link to a new address. The viewer's address changes once they open the link, and"
        " a message to the former address says so.",
    )
