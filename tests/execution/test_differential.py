"""The engines agree on operations of every shape, on sound data and on data with holes.

This is the short run; `make differential` is the long one.
"""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.execution import sites
from tests.execution.comparison import Tally, compare
from tests.execution.operations import questions
from tests.execution.site import Site

OPERATIONS = 400  # operations on each database
SEED = 1  # the same operations in each run, as long as the schema is the same

everywhere = pytest.mark.parametrize("site", sites.MADE, indirect=True)
_tallies: dict[str, Tally] = {}


@everywhere
@seed(SEED)
@settings(max_examples=OPERATIONS, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
async def test_the_engines_agree(site: Site, data: st.DataObject) -> None:
    await compare(site, data.draw(questions(site)), _tallies.setdefault(site.name, Tally()))


@everywhere
def test_the_operations_were_worth_comparing(site: Site) -> None:
    """Most were run, most of those had data, and a plan alone was enough for most of them."""
    if (tally := _tallies.get(site.name)) is None:
        pytest.skip("they were compared by another process")
    counts = tally.counts
    assert counts["ran"] > 4 * counts["refused"]
    assert counts["with data"] > counts["ran"] / 2
    assert counts["compiled"] > counts["ran"] / 2
    assert counts["with errors"] > 0
