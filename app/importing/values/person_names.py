"""Splits lists of people's names: "Moe, Ada; Roe, Ben", "Ada Moe and Ben Roe", "Moe, Ada, Roe, Ben"."""

import re
from collections.abc import Iterator, Sequence

from app.importing.values.columns import Column, Decision, Options
from app.importing.values.lists import LITTLE_DOUBT, decide_separator, items, literal, plain_texts
from app.importing.values.texts import line, text
from app.importing.values.words import WORDS

_WORD = WORDS["people"]
#: Strings that stand for an unknown person, such as "TBA". Case is ignored.
NOBODY = frozenset(_WORD["nobody"])
_PARTICLES = frozenset(_WORD["particles"])
#: A degree or generational suffix after a comma: "Ada Moe, PhD", "Ben Roe, Jr."
_SUFFIX = re.compile(
    r"(?:ph\.?\s?d|m\.?d|mba|m\.?sc|b\.?sc|m\.?a|b\.?a|d\.?phil|ed\.?d|j\.?d|cpa|cfa|pmp|esq|jr|sr|dr|prof|ii|iii|iv)\.?",
    re.IGNORECASE,
)
_AND = re.compile(rf",?\s+(?:{'|'.join(_WORD['and'])})\s+", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*")
_INITIALS = re.compile(r"(?:[^\W\d_](?:\.|(?=[\s-]|$))[\s-]?)+")


def people(
    value: object, *, separator: str | None = None, last_first: bool = False, conjunctions: bool = False
) -> list[str]:
    """Reads a list of people: a JSON or Python list, or a string split at `separator`.

    last_first: whether surnames and given names alternate, separated by commas: "Moe, Ada, Roe, Ben".
    conjunctions: whether "and" between two full names, in any of several languages, separates people too. A
    degree after a comma belongs to the name before it.
    """
    if not isinstance(value, str) or literal(value):
        return items(value)
    parts = _people(text(value), separator or "", last_first=last_first, conjunctions=conjunctions)
    return list(dict.fromkeys(name for part in parts if (name := _COMMA.sub(", ", line(part)).strip(", "))))


def decide_people(column: Column, given: Options) -> Decision:
    """Decides the separator of a column of people, and the order of their names.

    If no cell has more than one comma, and most have the form "Moe, Ada", each cell is one person. If all
    cells consist of pairs of single words, each pair is one person.
    """
    if "separator" in given:
        return Decision()
    texts = plain_texts(column)
    decision = Decision()
    if any(len(_joined(written)) > 1 for written in texts) and "conjunctions" not in given:
        decision = Decision({"conjunctions": True}, {"conjunctions": "“and” and the like separate people"})
    if any(mark in written for written in texts for mark in LITTLE_DOUBT):
        return decision | decide_separator(column, given)
    if any(" / " in written for written in texts):
        return decision | Decision({"separator": "/"}, {"separator": "items are separated by “/”"})
    names = [name for written in texts for name in _joined(written) if _COMMA.search(name)]
    if names and _are_single(names):
        return decision | Decision({"separator": ""}, {"separator": "a cell is one person, “Last, First”"})
    if names and _are_pairs(names):
        return decision | Decision(
            {"separator": ",", "last_first": True},
            {"last_first": "each pair of words is one person, “Last, First”"},
        )
    return decision | decide_separator(column, given)


def _people(written: str, separator: str, *, last_first: bool, conjunctions: bool) -> Iterator[str]:
    if separator in LITTLE_DOUBT or separator == "/":
        for part in written.split(separator):
            yield from _joined(part) if conjunctions else [part]
        return
    for part in _joined(written) if conjunctions else [written]:
        if not separator:
            yield part
        else:
            names = _with_suffixes(part.split(separator))
            yield from map(", ".join, _in_pairs(names)) if last_first else names


def _in_pairs(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[n : n + 2] for n in range(0, len(names), 2))


def _with_suffixes(parts: Sequence[str]) -> list[str]:
    """Joins degrees and other suffixes to the names before them."""
    names: list[str] = []
    for part in parts:
        if names and _SUFFIX.fullmatch(part.strip()):
            names[-1] += f", {part.strip()}"
        else:
            names.append(part)
    return names


def _joined(written: str) -> list[str]:
    """Splits a string at conjunctions, such as "and", between full names."""
    parts = _AND.split(written)
    return parts if len(parts) > 1 and all(map(_is_full, parts)) else [written]


def _is_full(name: str) -> bool:
    """Returns whether a string looks like a full name, such as "Moe, Ada", but not "School of Arts"."""
    words = re.findall(r"[^\W\d_][^\s,]*", name)
    return len(words) > 1 and all(not w[0].islower() or w.casefold() in _PARTICLES for w in words)


def _are_single(names: Sequence[str]) -> bool:
    """Returns whether each string is the name of one person.

    This is the case if no string has more than one comma, and most look like "Moe, Ada".
    """
    parts = [_with_suffixes(_COMMA.split(name)) for name in names]
    if any(len(of_one) > 2 for of_one in parts):
        return False
    single = sum(len(of_one) == 1 or any(map(_is_short, of_one)) for of_one in parts)
    return 2 * single > len(parts)


def _are_pairs(names: Sequence[str]) -> bool:
    """Returns whether each string consists of pairs of short names, such as "Moe, Ada, Roe, Ben"."""
    parts = [_COMMA.split(name.strip(" ,")) for name in names]
    return all(len(of_one) % 2 == 0 and all(map(_is_short, of_one)) for of_one in parts)


def _is_short(part: str) -> bool:
    """Returns whether a part of a name is one word, initials, or a surname such as "van der Berg"."""
    words = [word for word in part.split() if word.casefold() not in _PARTICLES]
    return len(words) <= 1 or bool(_INITIALS.fullmatch(part.strip()))
