"""What the payload of every mutation has: the reasons for which it was refused."""

from enum import Enum

import strawberry
from strawberry import enum_value
from strawberry.scalars import JSON

from resolvers import fields

#: Additional commands of a write that makes events, if a webhook takes them (loaders/outbox).
EVENTS = 3
#: Additional commands of a write that writes messages, if the gateway sends messages.
MESSAGES = 1

_MAX_ERRORS = 50  # more than the number of fields in any input, so that no error is left out of a payload


@strawberry.enum(description="Machine-readable reason why a mutation was refused.")
class ErrorCode(Enum):
    INVALID = enum_value("INVALID", description="A value is not valid.")
    NOT_FOUND = enum_value(
        "NOT_FOUND", description="No object has the given ID, or the viewer is not allowed to see it."
    )
    FORBIDDEN = enum_value("FORBIDDEN", description="The viewer is not allowed to do this.")
    UNAUTHENTICATED = enum_value("UNAUTHENTICATED", description="The viewer must sign in, or sign in again.")
    CONFLICT = enum_value("CONFLICT", description="The request conflicts with the current state of the data.")
    DUPLICATE = enum_value(
        "DUPLICATE",
        description="The object already exists, or a value that must be unique, such as a slug, is taken.",
    )
    SEATS_TAKEN = enum_value("SEATS_TAKEN", description="The run has no seats left.")
    NOT_ENROLLED = enum_value("NOT_ENROLLED", description="The mutation requires an enrolment in the course.")
    RATE_LIMITED = enum_value("RATE_LIMITED", description="There were too many attempts. Try again later.")
    EXPIRED = enum_value(
        "EXPIRED",
        description="It is too late: the run has already started or ended, or the enrolment or the link has"
        " expired.",
    )


@strawberry.enum(
    description="What is wrong with a value. `UserError.params` has the values for a sentence about it. If an"
    " item of a list is invalid, they also have its index, as `item`."
)
class ErrorReason(Enum):
    REQUIRED = enum_value(
        "REQUIRED",
        description="The value is missing, null or blank. If the path is an ID, `params.field` is the field"
        " that its object lacks.",
    )
    TOO_SHORT = enum_value("TOO_SHORT", description="The text has fewer characters than `params.min`.")
    TOO_LONG = enum_value(
        "TOO_LONG",
        description="The text has more characters than `params.max`, or the list more items. If an item of"
        " a list is too long, `params.item` is its index. A search with more words than `params.maxWords` is"
        " too long too.",
    )
    TOO_SMALL = enum_value(
        "TOO_SMALL", description="The number is less than `params.min`, or the time before it."
    )
    TOO_LARGE = enum_value(
        "TOO_LARGE", description="The number is greater than `params.max`, or the time after it."
    )
    NOT_AN_EMAIL = enum_value("NOT_AN_EMAIL", description="The text is not an e-mail address.")
    NOT_A_URL = enum_value("NOT_A_URL", description="The text is not a URL for http or https.")
    NOT_HTTPS = enum_value("NOT_HTTPS", description="The text is a URL for http, but must be one for https.")
    NOT_A_SLUG = enum_value(
        "NOT_A_SLUG",
        description="The text is not made of lower-case letters and digits, joined by single hyphens.",
    )
    NOT_A_TERM = enum_value(
        "NOT_A_TERM", description="The text is not a year and a number, such as `2014-3`."
    )
    UNKNOWN_CURRENCY = enum_value("UNKNOWN_CURRENCY", description="The text is no ISO 4217 currency code.")
    UNKNOWN_COUNTRY = enum_value(
        "UNKNOWN_COUNTRY", description="The text is no ISO 3166-1 alpha-2 country code."
    )
    UNKNOWN_LANGUAGE = enum_value("UNKNOWN_LANGUAGE", description="The text is no BCP 47 language tag.")
    IN_THE_PAST = enum_value("IN_THE_PAST", description="The run has started, at `params.startsAt`.")
    ENDS_BEFORE_START = enum_value(
        "ENDS_BEFORE_START", description="The end is not after the start, `params.startsAt`."
    )
    WEAK_PASSWORD = enum_value(
        "WEAK_PASSWORD",
        description="The password has fewer different characters than `params.min`.",
    )
    WRONG_PASSWORD = enum_value("WRONG_PASSWORD", description="This is not the viewer's current password.")


@strawberry.type(description="A reason why a mutation was refused, in a form that can be shown to the user.")
class UserError:
    code: ErrorCode = fields.plain("Machine-readable reason for the error.")
    message: str = fields.plain("Explanation of the error for the user, in English.")
    path: list[str] = fields.listed(
        "path", 5, 'Path to the input field that caused the error, such as ["input", "rating"].'
    )
    retry_after: int | None = fields.plain(
        "Number of seconds to wait before trying again, if the code is `RATE_LIMITED`; otherwise null."
    )
    reason: ErrorReason | None = fields.plain(
        "What is wrong with the value at `path`, for clients that have their own sentences about errors; null"
        " if the code says it all."
    )
    params: JSON | None = fields.plain(
        'Values for a sentence about the error, such as `{"max": 200}`: `ErrorReason` describes them. Null if'
        " there are none."
    )


@strawberry.type
class Payload:
    errors: list[UserError] = fields.listed(
        "errors",
        _MAX_ERRORS,
        "Reasons why the mutation was refused; empty if it succeeded.",
    )
    client_mutation_id: str | None = fields.plain("The `clientMutationId` from the input, unchanged.")
