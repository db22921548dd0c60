"""Resolvers for URLs that others supply: what isn't a URL that pages can show is null."""

from collections.abc import Callable

from loaders.model import url_problem
from loaders.mongo import Fields


def shown_url(name: str, *, https_only: bool = False) -> Callable[[Fields], str | None]:
    """Returns the resolver of a stored URL.

    Others may have stored any text. A link to `javascript:` would run as a script of the page that shows it.
    """

    def shown(document: Fields) -> str | None:
        value: str | None = document.get(name)
        return value if value and url_problem(value, https_only=https_only) is None else None

    return shown
