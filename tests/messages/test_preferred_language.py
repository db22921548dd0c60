"""The language that a browser prefers."""

import pytest

from resolvers.signing_in.preferred_language import preferred_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (b"", None),
        (b"*", None),
        (b"de", "de"),
        (b"de-AT, de;q=0.9, en;q=0.8", "de-at"),
        (b"en;q=0.5, de ; q=0.75", "de"),
        (b"en, de", "en"),
        (b"*;q=0.5, fr;q=0", None),
        (b"x\xff, zh-Hant-TW;q=1.0", "zh-hant-tw"),
        (b"../../etc, {link}", None),
        (b"a," * 100_000 + b"de", None),
    ],
)
def test_the_most_preferred_language_is_taken(header: bytes, language: str | None) -> None:
    assert preferred_language(header) == language
