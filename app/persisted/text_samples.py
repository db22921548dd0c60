"""Samples of texts without the values in them, because values can be personal data."""

import re

from loaders.persisted import LONGEST_SAMPLE

#: Matches what a sample leaves out: block strings, strings, also if they don't end, and comments; numbers.
_LEFT_OUT = re.compile(
    r'"{3}(?:\\"{3}|[^"]|"(?!""))*(?:"{3}|\Z) | "(?:\\.|[^"\\\n])*"? | \#[^\n\r]* | (?<![\w$])-?\d[\w.+-]*',
    re.VERBOSE,
)


def sample_of(text: str) -> str:
    """Returns the beginning of a text, on one line.

    Strings are replaced by "", numbers by 0, and comments are removed.
    """
    stripped = _LEFT_OUT.sub(_replaced, text[: 2 * LONGEST_SAMPLE])
    printable = "".join(c if c.isprintable() else " " for c in stripped)
    return " ".join(printable.split())[:LONGEST_SAMPLE]


def _replaced(match: re.Match[str]) -> str:
    first = match[0][0]
    return '""' if first == '"' else "" if first == "#" else "0"
