"""The word lists of words.toml, loaded once."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

WORDS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    files("app.importing.values").joinpath("words.toml").read_text("utf-8")
)


def by_word(section: str) -> dict[str, str]:
    """Returns the code of each word in a section of words.toml that lists the words for each code."""
    return {word: code for code, words in WORDS[section].items() for word in words}
