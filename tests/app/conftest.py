"""Fixtures for the tests of the application."""

from collections.abc import Iterator

import pytest

from tests.app.issuers import Server


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()
