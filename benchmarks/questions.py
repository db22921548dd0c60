"""The four queries of benchmarks/peers.toml, with their variables."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson

from benchmarks import data
from benchmarks.report import Json
from benchmarks.servers import Server

_PEERS = Path(__file__).with_name("peers.toml")
_POINTS = 200  # courses that Q1 asks for, one per request
_PAGES = 4  # of each category, and of the whole catalogue

TITLES: Mapping[str, str] = {
    "Q1": "one course",
    "Q2": "20 courses, 5 reviews each, their students",
    "Q3": "five levels deep",
    "Q4": "100 courses, flat",
}

Variables: TypeAlias = dict[str, Json]


class Asked(NamedTuple):
    """A request body, and the data of its answer."""

    body: bytes
    answer: Json


def texts() -> Mapping[str, str]:
    """The text of each query, by its name."""
    queries = tomllib.loads(_PEERS.read_text())["peers"]["lectern"]["queries"]
    return {name: query["query"].strip() for name, query in queries.items()}


def ask(server: Server, name: str, text: str) -> list[Asked]:
    """Sends a query once for each set of its variables. Cursors come from the server's own answers."""
    if "$slug" in text:
        points = range(0, data.COURSES, data.COURSES // _POINTS)
        return [_ask(server, name, text, {"slug": data.slug(number)}) for number in points]
    lists = [{"category": category} for category in data.CATEGORIES] if "$category" in text else [{}]
    return [asked for variables in lists for asked in _pages(server, name, text, variables)]


def _pages(server: Server, name: str, text: str, variables: Variables) -> Iterator[Asked]:
    after = None
    for _ in range(_PAGES):
        asked = _ask(server, name, text, {**variables, "after": after})
        yield asked
        after = asked.answer["courses"]["pageInfo"]["endCursor"]


def _ask(server: Server, name: str, text: str, variables: Variables) -> Asked:
    body = orjson.dumps({"query": text, "variables": variables, "operationName": name})
    return Asked(body, server.data(body))
