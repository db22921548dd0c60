"""The prices of pages in docs/budgets.md."""

import re
from pathlib import Path

from app.execution import Executor, Operation, Prepared
from resolvers.schema import schema
from tests.budgets.pages import CARD, PAGES

DOCS = Path(__file__).parents[2] / "docs" / "budgets.md"


def price(query: str) -> int:
    prepared = Executor(schema).prepare(Operation(query + CARD))
    assert isinstance(prepared, Prepared), prepared
    return prepared.cost.price


def test_the_documentation_has_the_prices_of_the_pages() -> None:
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(points.replace(",", "")) for name, points in rows} == {
        name: price(query) for name, query in PAGES.items()
    }


def test_the_documentation_has_the_price_of_a_sign_in() -> None:
    query = 'mutation { signIn(input: {email: "a@b.cc", password: "x"}) { accessToken errors { code } } }'
    (told,) = re.findall(r"a sign-in takes some\s+([\d,]+) points", DOCS.read_text(encoding="utf-8"))
    prepared = Executor(schema).prepare(Operation(query))
    assert isinstance(prepared, Prepared)
    assert round(prepared.cost.price, -2) == int(told.replace(",", ""))
