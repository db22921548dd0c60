"""The codes of errors: each is in the table of the docs, and the docs have no others."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException

import app.main  # noqa: F401 - imports every module that defines an exception
from app import error_codes
from resolvers.errors import LecternError
from resolvers.schema.writes import ErrorCode

DOCS = Path(__file__).parents[2] / "docs"


def test_docs_have_every_code_of_an_error() -> None:
    resolvers = {error.code for error in _subclasses(LecternError)}

    assert _documented("api.md", "## Errors") == _table() | resolvers


def test_codes_of_exceptions_are_in_the_table() -> None:
    codes = {error.code for error in _subclasses(HTTPException) if hasattr(error, "code")}

    assert len(codes) >= 3
    assert codes <= _table()


def test_docs_have_every_code_of_a_refused_mutation() -> None:
    assert _documented("writes.md", "| code |") == {code.name for code in ErrorCode}


def _table() -> set[str]:
    own = {value for value in vars(error_codes).values() if isinstance(value, str) and value.isupper()}
    return own | set(error_codes.BY_STATUS.values())


def _documented(page: str, start: str) -> set[str]:
    text = (DOCS / page).read_text().split(start, 1)[1]
    rows = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _subclasses(subclass)
