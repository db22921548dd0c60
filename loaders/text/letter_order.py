"""Makes letter_order.txt, the order of letters, from the default table of the Unicode Collation Algorithm.

    .venv/bin/python -m loaders.text.letter_order allkeys.txt > loaders/text/letter_order.txt

allkeys.txt is at https://www.unicode.org/Public/UCA/. Only letters, marks and digits that folding leaves
unchanged are kept. Letters with the same primary weight are written without spaces between them. Scripts
whose code points are already in order, such as Han characters and Korean syllables, are left out.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from unicodedata import category, name, normalize

from loaders.text.folding import folded

_HEADER = """\
# The order of letters by the primary weights of the Default Unicode Collation Element Table {version}
# (https://www.unicode.org/reports/tr10/), made by loaders/text/letter_order.py.
# Copyright (c) Unicode, Inc. All rights reserved. Distributed under the Terms of Use in
# https://www.unicode.org/terms_of_use.html.
"""
_ENTRY = re.compile(r"^([0-9A-F]+) +; (\S+)", re.MULTILINE)
_WEIGHTS = re.compile(r"\[.([0-9A-F]{4,5})\.")
_OWN_ORDER = ("CJK ", "HANGUL ", "ETHIOPIC ", "YI ", "VAI ", "BAMUM ", "CANADIAN ")
_GREEK = "\N{GREEK SMALL LETTER ALPHA}"
# The end of the range of code points to read. The scripts beyond it are mostly historic, and are sorted by
# code point.
_END = 0x10000
_PER_LINE = 40

Weights = tuple[int, ...]


def main() -> None:
    text = Path(sys.argv[1]).read_text("utf-8")
    version = re.search(r"@version (\S+)", text)
    sys.stdout.write(_HEADER.format(version=version[1] if version else ""))
    groups = list(_groups(text))
    others = next(n for n, group in enumerate(groups) if _GREEK in group)
    for section in (groups[:others], groups[others:]):
        lines = (section[n : n + _PER_LINE] for n in range(0, len(section), _PER_LINE))
        sys.stdout.write("\n" + "".join(" ".join(line) + "\n" for line in lines))


def _groups(text: str) -> Iterator[str]:
    """Returns groups of characters with equal primary weights, in order of weight.

    The characters of the first group have no primary weight.
    """
    weights = {chr(int(entry[1], 16)): _primary(entry[2]) for entry in _ENTRY.finditer(text)}
    grouped: defaultdict[Weights, list[str]] = defaultdict(list)
    for character in map(chr, range(0x30, _END)):
        if _is_kept(character):
            own = weights.get(character)
            grouped[own if own is not None else _of_parts(character, weights)].append(character)
    return ("".join(sorted(grouped[key])) for key in sorted(grouped) if len(key) < 2 and key != (-1,))


def _primary(elements: str) -> Weights:
    return tuple(weight for element in _WEIGHTS.findall(elements) if (weight := int(element, 16)))


def _of_parts(character: str, weights: dict[str, Weights]) -> Weights:
    parts: Sequence[str] = normalize("NFD", character)
    known = all(part in weights for part in parts)
    return sum((weights[part] for part in parts), ()) if known else (-1,)


def _is_kept(character: str) -> bool:
    if category(character)[0] not in "LNM" or name(character, "").startswith(_OWN_ORDER):
        return False
    carrier = "\N{DEVANAGARI LETTER KA}" if category(character)[0] == "M" else ""
    return folded(carrier + character) == [carrier + character]


if __name__ == "__main__":
    main()
