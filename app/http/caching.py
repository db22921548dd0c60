"""Which answers shared caches may keep, such as a CDN's: those that everybody would get."""

from app.http.decoding import Headers

#: The request headers that make an answer personal, or could. A request with one of them isn't answered from
#: a cache, because they are in `Vary`, and its answer isn't kept.
PERSONAL = (b"authorization", b"cookie", b"x-lectern-client-key", b"x-lectern-cost", b"x-lectern-trace")


def is_for_anyone(method: str, way: str, headers: Headers) -> bool:
    """Returns whether a request asks, by GET, for what anyone may ask for: an operation that is persisted.

    way: how the operation's text came (see app.execution.Operation).
    """
    return method != "POST" and way in {"apq", "trusted"} and headers.keys().isdisjoint(PERSONAL)
