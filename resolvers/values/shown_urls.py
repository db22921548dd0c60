"""Resolvers for stored URLs. A URL that isn't safe for a page to show or link to becomes null."""

from collections.abc import Callable

from loaders.model import url_problem
from loaders.mongo import Fields


def shown_url(name: str, *, https_only: bool = False) -> Callable[[Fields], str | None]:
    """Returns the resolver of a stored URL.

    A stored URL can be unsafe, because other programs might have stored it. For example, a `javascript:` URL
    runs as a script of the page when its link is clicked.
    """

    def shown(document: Fields) -> str | None:
        value: str | None = document.get(name)
        return value if value and url_problem(value, https_only=https_only) is None else None

    return shown
