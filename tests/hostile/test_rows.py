"""No request takes more than its share: each is refused cheaply, or cheap enough to be answered."""

import pytest

from tests.hostile.gateway import Gateway, Reply, Spent
from tests.hostile.rows import ROWS, Row, every_code_point

REFUSAL = 0.15  # seconds of the server's CPU
ANSWER = 0.5
STRETCH = 0.06  # seconds for which the event loop may be blocked
MEMORY = 100.0  # MB above the start
LEFT = 30.0  # MB that caches may hold at the end


@pytest.fixture(scope="module")
def start(gateway: Gateway) -> float:
    """Resident memory before the first request."""
    return gateway.resident()


@pytest.mark.alone
@pytest.mark.parametrize("name", ROWS)
def test_a_request_is_refused_cheaply_or_is_cheap_to_answer(
    gateway: Gateway, start: float, name: str
) -> None:
    reply, spent = cheapest(gateway, ROWS[name])

    assert reply.status in {200, 400, 413, 503}, reply
    assert is_affordable(reply, spent), (reply.status, reply.body[:300], spent)
    assert spent.peak - start <= MEMORY, spent


def test_every_code_point_leaves_no_memory_behind(gateway: Gateway, start: float) -> None:
    for request in every_code_point(texts=50, length=10):
        reply, spent = cheapest(gateway, lambda _, request=request: request)  # type: ignore[misc] # binds the loop variable
        assert not reply.refused
        assert is_affordable(reply, spent), spent
    assert gateway.settled(start + LEFT) <= start + LEFT


def test_memory_is_released(gateway: Gateway, start: float) -> None:
    for row in ROWS.values():
        gateway.ask(*row(99))
    assert gateway.settled(start + LEFT) <= start + LEFT


def cheapest(gateway: Gateway, row: Row) -> tuple[Reply, Spent]:
    """The lowest cost of a request, over a few variants with different salts."""
    return gateway.cheapest(lambda salt: gateway.ask(*row(salt)), is_affordable)


def is_affordable(reply: Reply, spent: Spent) -> bool:
    return spent.cpu <= (REFUSAL if reply.refused else ANSWER) and spent.held <= STRETCH
