"""The web origins whose pages may call the API."""

import re
from collections.abc import Sequence

from app.settings import ANY_PORT

_PORT = re.compile(r":\d+$")


class AllowedOrigins:
    """A set of allowed origins, as browsers send them.

    In `allowed`, `scheme://host:*` stands for every port, and `*` for every origin. If it is empty, no page
    from another origin may call the API.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self.is_any = "*" in allowed
        self._exact = frozenset(origin for origin in allowed if not origin.endswith(ANY_PORT))
        self._any_port = frozenset(o.removesuffix(ANY_PORT) for o in allowed if o.endswith(ANY_PORT))

    def __bool__(self) -> bool:
        return bool(self._exact or self._any_port)

    def __contains__(self, origin: bytes) -> bool:
        """Returns whether a request with this `Origin` comes from an allowed page."""
        text = origin.decode("ascii", "replace")
        return self.is_any or text in self._exact or _PORT.sub("", text) in self._any_port
