"""A gateway that sends messages."""

from collections.abc import AsyncIterator

import pytest

from app.observing import Listener, Refused
from app.settings import Settings
from loaders.mongo.database import Database
from tests.accounts.support import mailing
from tests.writes.sessions import Gateway, served


class Refusals(Listener):
    """The names of the limits that refused something."""

    def __init__(self) -> None:
        self.limits: list[str] = []

    def refused(self, refusal: Refused) -> None:
        self.limits.append(refusal.limit)


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


@pytest.fixture
async def gateway(settings: Settings, database: Database, refusals: Refusals) -> AsyncIterator[Gateway]:
    async with served(mailing(settings), refusals) as gateway:
        yield gateway
