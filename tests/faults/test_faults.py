"""The seeded faults keep up with the code. `python -m tests.faults` runs the tests that should find them."""

import tomllib

import pytest

from tests.faults.__main__ import FAULTS, HERE

ALL = tomllib.loads(FAULTS.read_text("utf-8"))["fault"]


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault["name"])
def test_a_fault_can_be_seeded_and_has_tests(fault: dict[str, object]) -> None:
    seed = fault["now"]
    assert isinstance(seed, dict)
    assert seed["find"] in (HERE / seed["path"]).read_text("utf-8")
    assert seed["replace"] != seed["find"]
    assert all((HERE / name.partition("::")[0]).exists() for name in str(fault["tests"]).split())
