"""Checks URLs from imports and other programs, so that no link on a page runs a script."""

import re

_MOST = 2_000  # maximum length of a URL in characters
# No user name is allowed before the host, because it could hide where a link leads.
_URL = re.compile(
    r"(?P<scheme>https?)://(?:[^\s/?#@:\[\]<>\"\\%]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?#][^\s<>\"\\]*)?",
    re.IGNORECASE,
)
_LAST_PORT = 65_535


def url_problem(value: str, *, https_only: bool = False) -> str | None:
    """Returns the reason why a string can't be shown as a URL, or None if it can.

    The reason completes a sentence that begins with the value, for example "is not a URL …".
    """
    if len(value) > _MOST:
        return f"is longer than {_MOST:,} characters"
    match = _URL.fullmatch(value) if value.isprintable() else None
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        return "is not a URL with http:// or https://"
    if https_only and match["scheme"].casefold() != "https":
        return "is not an https URL"
    return None
