"""Normalises text, so that different spellings of the same word become equal.

`nfc` composes characters, `spelt` gives the form of slugs, and `folded` the form of search words and sort
keys. All three take linear time. Python's normalisation takes quadratic time for a long run of combining
marks, so a run is cut to the length that Unicode's Stream-Safe Text Format allows (UAX 15, section 13).
"""

import re
from collections.abc import Callable
from typing import Literal
from unicodedata import category, name, normalize

_MAX_MARKS = 30  # maximum length of a run of combining marks; no word in any script comes near it
_MAX_KEPT = 4_096  # maximum number of characters whose folded form is cached, in each of the two tables

# Matches a long run of characters that could be combining marks: those outside ASCII that aren't word
# characters, and the half-width Katakana sound marks, which normalisation turns into combining marks.
_LONG_RUN = re.compile(
    rf"((?:[^\w\x00-\x7f]|[\uff9e\uff9f]){{{_MAX_MARKS}}})(?:[^\w\x00-\x7f]|[\uff9e\uff9f])+"
)

#: Latin letters that can't be decomposed, each with what people type instead. ß isn't among them, because
#: casefolding replaces it. U+0131 is the dotless i.
_BASE_LETTERS = str.maketrans(
    {
        "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "\u0131": "i",
        "ŧ": "t", "ĸ": "k", "ƀ": "b", "ƶ": "z", "ǥ": "g", "ɨ": "i", "ʉ": "u", "ɉ": "j", "ɍ": "r",
        "ɏ": "y", "ȼ": "c",
    }
)  # fmt: skip

# Characters that don't belong to the spelling of a word: format characters such as the soft hyphen, the
# zero-width space and bidirectional controls; fillers, variation selectors and enclosing marks.
_IGNORED = re.compile(
    "[\u00ad\u034f\u0488\u0489\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u1abe\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u20dd-\u20e0\u20e2-\u20e4\u3164"
    "\ua670-\ua672\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e01ef]"
)
_JOINERS = "\u200c\u200d"
_MARKS = ("Mn", "Mc")
# Viramas, which are signs that suppress a vowel. A joiner after a virama determines how the next letter is
# written.
_VIRAMAS = (
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0f84\u1039\u103a\u17d2\u1a60"
    "\u1b44\ua8c4\ua9c0\uabed"
)
_ARABIC = "\u0620-\u064a\u066e-\u06d3\u06ee-\u06ff\u0750-\u077f"
# A joiner belongs to the spelling of a word if it follows a virama, or if it is a non-joiner between Arabic
# letters (see RFC 5892, appendix A). All other joiners are stray.
_JOINER = re.compile(f"[{_JOINERS}]")
_STRAY_JOINER = re.compile(
    rf"(?!(?<=[{_VIRAMAS}])[{_JOINERS}](?=\w)|(?<=[{_ARABIC}])\u200c(?=[{_ARABIC}]))[{_JOINERS}]"
)
_LATIN = "a-z\u00aa\u00ba\u00df-\u02b8\u1d00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f"
# Combining marks that have no composed form with the Latin letter before them.
_LATIN_MARKS = re.compile(rf"(?<=[{_LATIN}])[^\w\s+#]+")
_WORD = re.compile(r"[^\s+#]+(?:[+#]+(?![^\s+#]))?")  # "C++" and "C#" count as words
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


class _Folding(dict[int, str]):
    """A str.translate table that is filled on demand by a function.

    The table is a bounded cache: it is cleared when it is full.
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        super().__init__()
        self._fold = fold

    def __missing__(self, code: int) -> str:
        if len(self) >= _MAX_KEPT:
            self.clear()
        folded = self[code] = self._fold(chr(code))
        return folded


def _spelt(character: str) -> str:
    """Returns a composed character as it is spelt in a slug, or a space if it is not part of a word."""
    if not character.isalnum():
        return (
            character if character in "+#" or category(character) in _MARKS or character in _JOINERS else " "
        )
    base = normalize("NFD", character)[0]
    return base if base != character and name(base, "").startswith("LATIN") else character


def _folded(character: str) -> str:
    return _spelt(character).translate(_BASE_LETTERS)


_SPELLING, _FOLDING = _Folding(_spelt), _Folding(_folded)


def nfc(text: str) -> str:
    """Converts a string to NFC, the Unicode normal form in which characters are composed."""
    return _normalised("NFC", text)


def is_blank(text: str) -> bool:
    """Returns whether a string contains only white space and format characters."""
    return not _JOINER.sub("", _IGNORED.sub("", text)).strip()


def spelt(text: str) -> list[str]:
    """Returns the words of a string as they are spelt in a slug.

    The words are in lower case and composed. Latin letters lose their marks; all other letters keep theirs.
    "Café Ökonomie" has the words "cafe" and "okonomie".
    """
    return _words(text, _STRAY_JOINER, _SPELLING)


def folded(text: str) -> list[str]:
    """Returns the words of a string in the form in which they are searched for.

    Like `spelt`, but letters such as ł and æ are also replaced by base letters, so that "Łódź" becomes
    "lodz". Joiners are removed everywhere, because few keyboards have them.
    """
    return _words(text, _JOINER, _FOLDING)


def _words(text: str, joiner: re.Pattern[str], folding: _Folding) -> list[str]:
    """Returns the words of a string, each of which has at least one letter or digit.

    joiner: matches the joiners to remove. folding: the table that replaces single characters. The string is
    normalised twice, because casefolding can undo the first normalisation. The form NFKC replaces full-width
    letters and ligatures.
    """
    if text.isascii():
        text = text.lower().translate(folding)
        if "+" not in text and "#" not in text:
            return text.split()
    else:
        text = _normalised("NFKC", joiner.sub("", _IGNORED.sub("", text)))
        text = _normalised("NFKC", text.casefold())
        # Normalisation reorders marks, which can separate a joiner from its virama. The joiner is then stray.
        if joiner.search(text):
            text = _normalised("NFKC", joiner.sub("", text))
        text = _LATIN_MARKS.sub("", text.translate(folding))
    return [word for word in _WORD.findall(text) if word.isalnum() or _LETTER_OR_DIGIT.search(word)]


def _normalised(form: Literal["NFC", "NFKC"], text: str) -> str:
    return text if text.isascii() else normalize(form, _LONG_RUN.sub(r"\1", text))
