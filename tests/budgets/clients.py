"""Budgets of one process, and the requests that take from them."""

import asyncio

from app.budget_classes import read_classes
from app.budgets import Budgets, Charge, Clients, RateLimitedError
from loaders.mongo.database import Database
from resolvers.context import PUBLIC


def budgets_of(database: Database, classes: str = "public=1:10000,friend=unlimited") -> Budgets:
    return Budgets(Clients(read_classes(classes), ()), lambda: database)


def charge(budgets: Budgets, address: str = "192.0.2.1") -> Charge:
    return budgets.charge(None, PUBLIC, address)


async def admitted(budgets: Budgets, price: int, address: str = "192.0.2.1") -> int:
    """The number of requests that one process admits, one after the other, until it refuses one."""
    number = 0
    while True:
        try:
            await charge(budgets, address).take(price)
        except RateLimitedError:
            return number
        number += 1


async def until_level(database: Database, level: float, number: int = 1) -> None:
    """Waits until some budgets have this many points."""
    async with asyncio.timeout(30):
        while await database["budgets"].count_documents({"level": {"$gte": level}}) < number:  # noqa: ASYNC110 # polls MongoDB
            await asyncio.sleep(0.1)
