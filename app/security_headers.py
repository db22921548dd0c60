"""The header fields that tell browsers and caches what they may do with a response.

All of them are constants, so that a response pays for a few bytes and not for their computation.
"""

from collections.abc import Sequence
from typing import TypeAlias

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]

#: Fields of every response. The server adds them, to its own refusals too.
ALWAYS: Fields = (
    (b"x-content-type-options", b"nosniff"),  # a page can't run a response as a script
    (b"referrer-policy", b"no-referrer"),  # a URL can contain a query and its variables
    # Pages of other origins can't embed a response, which would make it readable by side channels. What CORS
    # allows is not affected.
    (b"cross-origin-resource-policy", b"same-origin"),
)

_NO_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

#: Fields of every response that is data: it is neither stored nor shown as a page.
DATA: Fields = ((b"cache-control", b"no-store"), _NO_PAGE)


def data_kept_for(seconds: int) -> Fields:
    """Returns the fields of data that any cache may store for some seconds."""
    return ((b"cache-control", b"public, max-age=%d" % seconds), _NO_PAGE)


def strict_transport_security(seconds: int) -> Fields:
    """Returns the field that makes browsers use only HTTPS for this host, or no field for 0 seconds."""
    return ((b"strict-transport-security", b"max-age=%d" % seconds),) if seconds else ()
