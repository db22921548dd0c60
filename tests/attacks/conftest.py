"""Gateways to attack, over real HTTP."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from app.settings import Settings
from tests.support import serving

#: `attacked(variables)`: the URL of a gateway with these variables in its environment.
Attacked: TypeAlias = Callable[[Mapping[str, str]], str]

PRODUCTION = {"LECTERN_ENV": "production"}


@pytest.fixture(scope="session")
def attacked(sample: Settings) -> Iterator[Attacked]:
    """Gateways with the sample data; equal variables share one."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}

        def url(variables: Mapping[str, str]) -> str:
            if (key := repr(variables)) not in urls:
                urls[key] = stack.enter_context(serving(sample, **variables))
            return urls[key]

        yield url


@pytest.fixture(scope="session")
def production(attacked: Attacked) -> str:
    """The URL of a gateway in production with default settings."""
    return attacked(PRODUCTION)
