"""No operation takes more than its cost, whatever its shape."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.execution import Executor, Operation, Prepared, Refusal
from resolvers.context import PUBLIC
from resolvers.schema import schema
from tests.execution import sites
from tests.execution.comparison import asked_in_ticks
from tests.execution.engines import executor
from tests.execution.operations import Question, questions
from tests.execution.site import STAFF, Site
from tests.support import UNLIMITED

OPERATIONS = 60  # operations on each database
COMPILED = executor(compiled=True)


everywhere = pytest.mark.parametrize("site", sites.MADE, indirect=True)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from objects(member)


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


@everywhere
@settings(max_examples=OPERATIONS, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_an_answer_is_never_more_than_its_cost(site: Site, data: st.DataObject) -> None:
    question = data.draw(questions(site))
    prepared = COMPILED.prepare(question.operation)
    if isinstance(prepared, Refusal):
        return
    answer, sent = await asked_in_ticks(COMPILED, site.database, question)
    answered = answer.payload.get("data") or {}
    found = sum(1 for value in answered.values() for _ in objects(value))
    assert len(sent) <= _most(prepared.cost.commands, site, question), sent
    assert found <= prepared.cost.objects
    # A null in place of an object counts as a leaf.
    assert found + leaves(answered) <= prepared.cost.objects + prepared.cost.values


def _most(commands: int, site: Site, question: Question) -> int:
    """The most commands that an operation may send.

    One more is allowed for each call that must look up an owner, or that finds a review gone whose ID its
    course still has; and for each slug, which may be a former one.
    """
    commands += question.operation.query.count("course(")
    as_a_rule = site.name.endswith("sound") and question.viewer in (PUBLIC, STAFF)
    return commands if as_a_rule else 2 * commands


NESTED = """query ($a: Int, $b: Int, $c: Int) {
  courses(first: $a) {
    totalCount
    nodes {
      title
      reviews(last: $b) { edges { cursor node { student { name reviews(first: $c) { totalCount } } } } }
    }
  }
}"""
SIZES = st.tuples(*[st.integers(0, 100)] * 3)


@given(SIZES, SIZES)
def test_a_larger_page_costs_no_less(some: tuple[int, ...], others: tuple[int, ...]) -> None:
    ready = Executor(schema, UNLIMITED)

    def price(sizes: Iterable[int]) -> int:
        prepared = ready.prepare(Operation(NESTED, dict(zip("abc", sizes, strict=True))))
        assert isinstance(prepared, Prepared)
        return prepared.cost.price

    assert price(map(min, some, others)) <= price(some) <= price(map(max, some, others))
