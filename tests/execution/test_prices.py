"""No operation takes more than its cost, whatever its shape."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.execution import Executor, Operation, Prepared
from resolvers.schema import schema
from tests.execution import sites
from tests.execution.operations import questions
from tests.execution.price_check import check
from tests.execution.site import Site
from tests.support import UNLIMITED

OPERATIONS = 60  # operations on each database

everywhere = pytest.mark.parametrize("site", sites.MADE, indirect=True)


@everywhere
@settings(max_examples=OPERATIONS, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_operation_takes_more_than_its_price(site: Site, data: st.DataObject) -> None:
    await check(site, data.draw(questions(site)))


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
