"""Samples of texts without the values in them, because values can be personal data."""

import re
from collections.abc import Iterator

from loaders.persisted import LONGEST_SAMPLE

#: Matches the beginning of a document.
_BEGINNING = re.compile(
    r"""(?:[\s,\ufeff] | \#[^\n\r]*)*+
    (?: \{ | (?:query|mutation|subscription)\b\s*+(?:[_A-Za-z]\w*+)?\s*+[({@] | fragment\s+\w+\s+on\s )""",
    re.VERBOSE,
)

#: Matches a string or a block string, even if it doesn't end; a comment; a bracket; or what is between them.
_PART = re.compile(
    r"""(?P<string> "{3}(?:\\"{3}|[^"]|"(?!""))*(?:"{3}|\Z) | "(?:\\.|[^"\\\n])*"? )
    | (?P<comment> \#[^\n\r]* ) | (?P<bracket> [()\[\]{}] ) | (?P<others> [^"\#()\[\]{}]+ )""",
    re.VERBOSE,
)

#: Matches what a document can have outside of arguments, besides brackets.
_FIELDS = re.compile(r"(?:[\s,:@\ufeff] | \.{3} | [_A-Za-z]\w*+)*+", re.VERBOSE | re.ASCII)

_OPENING = {")": "(", "]": "[", "}": "{"}


def sample_of(text: str) -> str:
    """Returns the beginning of a text, on one line and without comments.

    All arguments are left out, because a client may have put a value into the text without quoting it. The
    sample ends where the text can't be GraphQL, and is empty if the text doesn't begin as a document.
    """
    beginning = text[: 2 * LONGEST_SAMPLE]
    if not _BEGINNING.match(beginning):
        return ""
    sample = " ".join("".join(_parts(beginning)).split())
    return "".join(c for c in sample if c.isprintable())[:LONGEST_SAMPLE]


def _parts(text: str) -> Iterator[str]:
    opened: list[str] = []
    arguments = 0  # how many of the opened brackets are round
    for match in _PART.finditer(text):
        part, kind = match[0], match.lastgroup
        if part in _OPENING:
            if not opened or opened.pop() != _OPENING[part]:
                return
            arguments -= part == ")"
        if kind == "string":
            # There are none outside of arguments. One that ends with its line has lost its quote.
            if not arguments or (match.end() < len(text) and not _has_end(part)):
                return
        elif not arguments and kind == "bracket":
            yield "(…" if part == "(" else part
        elif not arguments and kind == "others":
            fields = _FIELDS.match(part)
            yield fields[0] if fields else ""
            if fields is None or fields.end() < len(part):
                return
        elif kind == "comment":
            yield " "
        if part in _OPENING.values():
            opened.append(part)
            arguments += part == "("


def _has_end(string: str) -> bool:
    return len(string) > 1 and string[-1] == '"'
