"""Budgets over HTTP: a gateway under uvicorn."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from loaders.mongo.database import Database
from tests.http.conftest import serve as serve
from tests.http.requests import Serve, client, error

KEY = "a key of a partner"
KEYS = f"partner:{sha256(KEY.encode()).hexdigest()}"
CLASSES = "public=1:100,student=2:200,partner=3:300,friend=unlimited"

PRICE = 21  # of the query below: an object, a value and a command
QUERY = '{ category(slug: "x") { id } }'


def body(query: str = QUERY) -> dict[str, Any]:
    return {"query": query}


@pytest.fixture
async def http(serve: Serve, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client(serve(budgets=CLASSES, client_keys=KEYS)) as http:
        yield http


async def test_it(http: httpx.AsyncClient, database: Database) -> None:
    for _ in range(6):
        answer = await http.post("/graphql", json=body(), headers={"x-lectern-cost": "1"})
        print(answer.status_code, answer.headers, answer.json())
    print(await database["budgets"].find().to_list(None))
    assert 0
