"""The database of an application, with either driver."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

#: A stored document, of any collection: BSON holds what it likes.
Stored: TypeAlias = dict[str, Any]

#: A collection of the driver. Motor's has the same methods, so one type stands for both.
Collection: TypeAlias = AsyncCollection[Stored]
DriverDatabase: TypeAlias = AsyncDatabase[Stored]

#: Which documents of a collection, as MongoDB takes it.
Filter: TypeAlias = Mapping[str, Any]


class Database(dict[str, Collection]):
    """A database whose collections are made once, when they are first named: a driver makes a new object each
    time.

    driver: the database of Motor or of PyMongo's async client.
    """

    def __init__(self, driver: DriverDatabase) -> None:
        super().__init__()
        self.driver = driver

    def __missing__(self, name: str) -> Collection:
        self[name] = self.driver[name]
        return self[name]

    @property
    def name(self) -> str:
        return self.driver.name

    @property
    def client(self) -> Any:  # Motor's and PyMongo's clients have no type in common
        """The client of the driver."""
        return self.driver.client

    async def command(self, name: str) -> Stored:
        """The reply to a command, sent beside the queue."""
        reply: Stored = await self.driver.command(name)
        return reply


def all_of(*filters: Filter) -> Filter:
    """What matches every one of the filters."""
    given = [f for f in filters if f]
    if len(given) < 2:
        return given[0] if given else {}
    return {"$and": given}
