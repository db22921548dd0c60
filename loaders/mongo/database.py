"""The application's database, accessed through either driver."""

from typing import TypeAlias

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from loaders.mongo.bson_types import Document, DriverObject

#: A collection of either driver. Motor's collections have the same methods as PyMongo's, so one type
#: covers both.
Collection: TypeAlias = AsyncCollection[Document]
DriverDatabase: TypeAlias = AsyncDatabase[Document]


class Database(dict[str, Collection]):
    """A database that caches its collections.

    A driver's own database creates a new collection object on each access. driver: the database object of
    Motor, or of PyMongo's async client.
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
    def client(self) -> DriverObject:
        return self.driver.client

    async def command(self, name: str) -> Document:
        """Sends a command, bypassing the queue, and returns the reply."""
        return await self.driver.command(name)
