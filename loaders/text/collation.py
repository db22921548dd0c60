"""Sort keys."""

from loaders.text.folding import folded

_MAX_KEY = 200


def sort_key(text: str) -> str:
    return " ".join(folded(text))[:_MAX_KEY]
