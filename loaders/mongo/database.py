"""The application's database, accessed through either driver."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from loaders.mongo.bson_types import Document, DriverObject

#: A collection of either driver. Motor's collections have the same methods as PyMongo's, so one type
#: covers both.
Collection: TypeAlias = AsyncCollection[Document]
DriverDatabase: TypeAlias = AsyncDatabase[Document]


def _ignore() -> None: ...


class Destinations(NamedTuple):
    """Where the outbox's entries go (loaders/outbox). By default, nothing is written to it.

    webhooks: the kinds of events that each webhook takes, by its name. has_messages: whether messages are
    sent to people. on_written: called whenever this process has committed entries.
    """

    webhooks: Mapping[str, frozenset[str]] = {}
    has_messages: bool = False
    on_written: Callable[[], None] = _ignore


class Database(dict[str, Collection]):
    """A database that caches its collections.

    A driver's own database creates a new collection object on each access. driver: the database object of
    Motor, or of PyMongo's async client.
    """

    def __init__(self, driver: DriverDatabase, destinations: Destinations = Destinations()) -> None:  # noqa: B008
        super().__init__()
        self.driver = driver
        self.destinations = destinations

    def __missing__(self, name: str) -> Collection:
        self[name] = self.driver[name]
        return self[name]

    @property
    def name(self) -> str:
        return self.driver.name

    @property
    def client(self) -> DriverObject:
        return self.driver.client

    async def command(self, name: str) -> Document:
        """Sends a command, bypassing the queue, and returns the reply."""
        return await self.driver.command(name)
