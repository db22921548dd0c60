"""For every family: the most expensive accepted operation, and the next larger one."""

import pytest

from app.execution import Executor
from tests.hostile import dearest
from tests.hostile.drawn import drawn
from tests.hostile.families import FAMILIES, REFUSED, Family
from tests.hostile.gateway import TRIES, Gateway
from tests.hostile.test_rows import MEMORY, cheapest, is_affordable

pytestmark = pytest.mark.alone

ALL: dict[str, Family] = {**FAMILIES, **{f"drawn {seed}": drawn(seed) for seed in range(10)}}


@pytest.fixture(scope="module")
def executor() -> Executor:
    return dearest.executor()


@pytest.fixture(scope="module")
def start(gateway: Gateway) -> float:
    return gateway.resident()


@pytest.mark.parametrize("name", ALL)
def test_the_largest_accepted_operation_is_affordable(
    gateway: Gateway, executor: Executor, start: float, name: str
) -> None:
    family = ALL[name]
    size = dearest.largest(executor, family)
    assert size, "no size is accepted"

    _, reply, spent = dearest.measured(gateway, family, size, is_affordable, TRIES)

    assert reply.status == 200, (size, reply)
    assert is_affordable(reply, spent), (size, len(reply.body), spent)
    assert spent.peak - start <= MEMORY, (size, len(reply.body), spent)
    if size < family.most:
        reply, spent = cheapest(gateway, lambda salt: family.make(size + 1, salt))
        assert reply.refused, (size + 1, reply.body[:300])
        assert is_affordable(reply, spent), (size + 1, spent)


@pytest.mark.parametrize("size", [90, 300, 1_000, 10_000])
@pytest.mark.parametrize("name", REFUSED)
def test_invalid_operations_are_refused_cheaply(gateway: Gateway, name: str, size: int) -> None:
    reply, spent = cheapest(gateway, lambda salt: REFUSED[name](size, 10 + salt))
    assert reply.refused, reply.body[:300]
    assert is_affordable(reply, spent), (len(reply.body), spent)
