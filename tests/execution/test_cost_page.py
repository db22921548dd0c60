"""The worked examples of docs/cost.md."""

import re
from pathlib import Path

import pytest

from app.execution import Executor, Operation, Prepared
from resolvers.schema import schema
from tests.execution.published_price import published

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()
EXAMPLES = re.findall(r"```graphql\n(.*?)```\n(.*?)(?=\n\n[^|])", PAGE, re.DOTALL)


def _figure(table: str, part: str) -> int:
    match = re.search(rf"\| {re.escape(part)} \|.*\| \**([\d,]+)\** \|", table)
    assert match, part
    return int(match[1].replace(",", ""))


@pytest.mark.parametrize(("query", "table"), EXAMPLES, ids=["Page", "Cards"])
def test_an_example_costs_what_the_page_says(query: str, table: str) -> None:
    prepared = Executor(schema).prepare(Operation(query))
    assert isinstance(prepared, Prepared)
    figures = [_figure(table, part) for part in ("objects", "values", "commands", "**price**")]
    assert figures == [*prepared.cost, prepared.cost.price]
    parts = published(query)
    assert figures == [*parts, parts.price]
