"""Origins of web pages: scheme, host and port, as browsers send them in `Origin`."""

import re

ANY_PORT = ":*"

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}|\*))?", re.ASCII)
_DEFAULT_PORTS = {"http": "80", "https": "443"}

_FAULTS = tuple(
    (re.compile(pattern, re.IGNORECASE), fault)
    for pattern, fault in (
        (r"null", "is what any page can send"),
        (r"\S+\s.*", "is several: separate them by commas"),
        (r"(?!.*://).*", "has no scheme (https://courses.example)"),
        (r"[^/]*//[^/]+/", "ends with a slash"),
        (r"[^/]*//[^/]+/.*", "has a path"),
        (r".*@.*", "has a user name"),
        (r".*\*.*[^*].*", "has a wildcard in its host: name each origin"),
        (r".*[^\0-\x7f].*", "has letters that browsers send in Punycode (xn--…)"),
        (r".*", "is none"),
    )
)


def parsed(text: str) -> str:
    """An origin as browsers send it, `scheme://host:*` for every port of a host, or `*` for every origin.

    Raises ValueError, which says what is wrong with it.
    """
    if text == "*":
        return text
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        fault = next(fault for pattern, fault in _FAULTS if pattern.fullmatch(text))
        raise ValueError(f"takes origins such as https://courses.example: `{text}` {fault}")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")
