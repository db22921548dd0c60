"""Samples of texts without the values in them, because values can be personal data."""

import re

from loaders.persisted import LONGEST_SAMPLE

_IGNORED = r"(?:[\s,\ufeff] | \#[^\n\r]*)*+"

#: Matches the beginning of a document.
_BEGINNING = re.compile(
    rf"""{_IGNORED} (?: \{{ | fragment\s+\w+\s+on\s
    | (?:query|mutation|subscription)\b {_IGNORED} (?:[_A-Za-z]\w*+)? {_IGNORED} [({{@] )""",
    re.VERBOSE,
)

#: Matches a string or a block string, even if it doesn't end; a comment; a bracket; or what is between them.
_PART = re.compile(
    r"""(?P<string> "{3}(?:\\"{3}|[^"]|"(?!""))*(?:"{3}|\Z) | "(?:\\.|[^"\\\n])*(?P<end>"?) )
    | (?P<comment> \#[^\n\r]* ) | (?P<bracket> [()\[\]{}] ) | (?P<others> [^"\#()\[\]{}]+ )""",
    re.VERBOSE,
)

#: Matches what a document can have outside of arguments, besides brackets.
_FIELDS = re.compile(r"(?:[\s,:@\ufeff] | \.{3} | [_A-Za-z]\w*+)*+", re.VERBOSE | re.ASCII)

_ARGUMENTS = "(…"
_OPENING = {")": "(", "]": "[", "}": "{"}


def sample_of(text: str) -> str:
    """Returns the beginning of a text, on one line and without comments.

    All arguments are left out, because a client may have put a value into the text without quoting it. If the
    text can't be GraphQL, the sample ends with the last argument before that place. It is empty if the text
    doesn't begin as a document.
    """
    beginning = text[: 2 * LONGEST_SAMPLE]
    if not _BEGINNING.match(beginning):
        return ""
    parts: list[str] = []
    if not _collect(beginning, parts) and _ARGUMENTS in parts:
        # The value may have ended the argument itself, so that the rest of it comes after the bracket.
        while parts[-1] != _ARGUMENTS:
            parts.pop()
    sample = " ".join("".join(parts).split())
    return "".join(c for c in sample if c.isprintable())[:LONGEST_SAMPLE]


def _collect(text: str, parts: list[str]) -> bool:
    """Collects the parts of a sample. Returns False if it has come to a place that can't be GraphQL."""
    opened: list[str] = []
    arguments = 0  # how many of the opened brackets are round
    for match in _PART.finditer(text):
        part, kind = match[0], match.lastgroup
        if part in _OPENING:
            if not opened or opened.pop() != _OPENING[part]:
                return False
            arguments -= part == ")"
        if match["string"]:
            # There are none outside of arguments. One that ends with its line has lost its quote.
            if not arguments or (match["end"] == "" and match.end() < len(text)):
                return False
        elif not arguments and kind == "bracket":
            parts.append(_ARGUMENTS if part == "(" else part)
        elif not arguments and kind == "others":
            fields = _FIELDS.match(part)
            parts.append(fields[0] if fields else "")
            if fields is None or fields.end() < len(part):
                return False
        elif kind == "comment":
            parts.append(" ")
        if part in _OPENING.values():
            opened.append(part)
            arguments += part == "("
    return True
