"""The prices of pages in docs/budgets.md."""

import re
from pathlib import Path
from textwrap import dedent

from app.budget_classes import SIGN_IN
from app.execution import Executor, Operation, Prepared
from app.execution.pricing import price_of_text
from app.operation_limits import Limits
from resolvers.schema import schema
from tests.budgets.pages import CARD, PAGES

DOCS = Path(__file__).parents[2] / "docs" / "budgets.md"


def price(text: str) -> int:
    prepared = Executor(schema).prepare(Operation(text))
    assert isinstance(prepared, Prepared), prepared
    return prepared.cost.price


def test_the_documentation_has_the_prices_of_the_pages() -> None:
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(points.replace(",", "")) for name, points in rows} == {
        name: price(query + CARD) for name, query in PAGES.items()
    }


def test_the_pages_cost_more_than_their_texts() -> None:
    limits = Limits()
    for query in PAGES.values():
        text = dedent(query + CARD)
        assert price_of_text(text, limits) < price(text)


def test_the_documentation_has_the_price_of_a_sign_in() -> None:
    query = 'mutation { signIn(input: {email: "a@b.cc", password: "x"}) { accessToken errors { code } } }'
    (told,) = re.findall(r"A\s+sign-in\s+takes\s+some\s+([\d,]+)\s+points", DOCS.read_text(encoding="utf-8"))
    prepared = Executor(schema).prepare(Operation(query))
    assert isinstance(prepared, Prepared)
    assert round(prepared.budgeted, -1) == int(told)
    assert prepared.budgeted == SIGN_IN
    assert f"A size below {SIGN_IN} is too small for a sign-in" in DOCS.read_text(encoding="utf-8")


def test_the_documentation_has_the_least_size_for_the_pages() -> None:
    most = max(price(query + CARD) for query in PAGES.values())
    assert f"{most:,} for the table above" in DOCS.read_text(encoding="utf-8")
