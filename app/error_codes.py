"""The error codes in `extensions.code`, except those defined in resolvers/errors.py.

docs/api.md explains each code, and docs/writes.md explains the codes in mutation payloads.
"""

from collections.abc import Mapping, Set

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
OPERATION_TOO_LARGE = "OPERATION_TOO_LARGE"
PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
CROSS_SITE_REQUEST = "CROSS_SITE_REQUEST"
RATE_LIMITED = "RATE_LIMITED"
UNKNOWN_CLIENT_KEY = "UNKNOWN_CLIENT_KEY"
RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"
TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 # a code, not a password
OVERLOADED = "OVERLOADED"
TIMEOUT = "TIMEOUT"
SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"

#: The codes of errors that are not the client's mistake.
OUR_FAULTS: Set[str] = frozenset((OVERLOADED, TIMEOUT, SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR))

#: Maps the HTTP status of a refused request to an error code. If the exception has a code, that code is used
#: instead.
BY_STATUS: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",
    413: "REQUEST_TOO_LARGE",
    414: "URL_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    431: "HEAD_TOO_LARGE",
    503: SERVICE_UNAVAILABLE,
}
