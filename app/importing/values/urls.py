"""Reads URLs that pages can show: not `javascript:`, and for a picture not `http` either."""

from app.importing.values.texts import text
from loaders.model import url_problem


def url(value: object) -> str:
    """Reads an http or https URL."""
    return _checked(value, https_only=False)


def image_url(value: object) -> str:
    """Reads an https URL, for a picture within a page."""
    return _checked(value, https_only=True)


def _checked(value: object, *, https_only: bool) -> str:
    address = text(value).replace("&amp;", "&")  # copied from the source of a page
    if problem := url_problem(address, https_only=https_only):
        raise ValueError(problem)
    return address
