"""Web origins: scheme, host and port, as browsers send them in `Origin`."""

import re

ANY_PORT = ":*"

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}|\*))?", re.ASCII)
_LAST_PORT = 65_535
_DEFAULT_PORTS = {"http": "80", "https": "443"}

_FAULTS = tuple(
    (re.compile(pattern, re.IGNORECASE), fault)
    for pattern, fault in (
        (r"null", "can be sent by any page"),
        (r"\S+\s.*", "contains several origins: separate them with commas"),
        (r"(?!.*://).*", "has no scheme (https://courses.example)"),
        (r"[^/]*//[^/]+/", "ends with a slash"),
        (r"[^/]*//[^/]+/.*", "has a path"),
        (r".*@.*", "has a user name"),
        (r".*\*.*[^*].*", "has a wildcard in its host: list each origin instead"),
        (r".*[^\0-\x7f].*", "contains letters that browsers send as Punycode (xn--…)"),
        (r".*", "is not an origin"),
    )
)


def parsed(text: str) -> str:
    """Parses and normalises an origin.

    Returns the origin as browsers send it, or `scheme://host:*` for any port, or `*` for any origin.

    Raises ValueError; its message says what is wrong.
    """
    if text == "*":
        return text
    match = _ORIGIN.fullmatch(text.lower())
    if match and match[3] not in (None, "*") and int(match[3]) > _LAST_PORT:
        raise ValueError(f"must be origins such as https://courses.example: `{text}` has no valid port")
    if match is None:
        fault = next(fault for pattern, fault in _FAULTS if pattern.fullmatch(text))
        raise ValueError(f"must be origins such as https://courses.example: `{text}` {fault}")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")
