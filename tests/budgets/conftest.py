"""Fixtures: addresses for each test, and those of other folders."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from time import monotonic
from typing import Any, TypeAlias

import httpx
import pytest

from app.budgets import budgets, charge
from tests.http.conftest import serve
from tests.loaders.mongod import own_mongod

__all__ = ["own_mongod", "serve"]


#: `await warm(http, *texts)`: has a gateway read texts for another address, so that they are in its cache.
Warm: TypeAlias = Callable[..., Awaitable[None]]


@pytest.fixture
def address(request: pytest.FixtureRequest) -> dict[str, str]:
    """The header fields of an address that no other test has: a proxy on this machine is trusted."""
    return {"x-forwarded-for": f"10.{_of_test(request)}"}


@pytest.fixture
def other_address(request: pytest.FixtureRequest) -> dict[str, str]:
    """The header fields of a second address."""
    return {"x-forwarded-for": f"11.{_of_test(request)}"}


@pytest.fixture
def warm(other_address: dict[str, str]) -> Warm:
    async def send(http: httpx.AsyncClient, *texts: str, **body: Any) -> None:
        for text in texts:
            await http.post("/graphql", json={"query": text, **body}, headers=other_address)

    return send


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No budget restores points in this process, however long a request takes."""
    now = monotonic()
    for module in (budgets, charge):
        monkeypatch.setattr(module, "monotonic", lambda: now)


def _of_test(request: pytest.FixtureRequest) -> str:
    return ".".join(map(str, sha256(request.node.name.encode()).digest()[:3]))
