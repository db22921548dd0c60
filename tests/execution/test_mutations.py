"""A mutation's fields run one after the other, each once, even if their selections fail."""

from collections.abc import Sequence
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from app.execution import Executor, Operation, Prepared
from loaders.mongo.database import Database
from resolvers import fields
from resolvers.context import Context
from tests import factories
from tests.factories import store
from tests.support import request_for

#: The writes, in order.
done: list[str] = []


async def added(ctx: Context, *, n: int) -> dict[str, Any]:
    done.append(f"add {n}")
    if n < 0:
        raise ValueError
    return {"n": n}


async def doubled(counters: Sequence[Any], ctx: Context) -> Sequence[int | None]:
    done.append(f"doubled {[counter['n'] for counter in counters]}")
    return [None if counter["n"] == 13 else counter["n"] * 2 for counter in counters]


async def renamed(ctx: Context, *, name: str) -> dict[str, Any]:
    """A write that does not report what it changed."""
    await ctx.loaders.database["categories"].update_one({"slug": "c"}, {"$set": {"name": name}})
    return {}


async def name(_: Sequence[Any], ctx: Context) -> Sequence[str]:
    (category,) = await ctx.loaders.category_by_slug(["c"])
    assert category
    return [category["name"]]


@strawberry.type
class Category:
    name: str = fields.level(name, reads=["name"], description="Its name.")


@strawberry.type
class Counter:
    n: int = fields.plain("A number.")
    doubled: int = fields.level(doubled, description="Twice the number; there is none for 13.")


@strawberry.type
class Query:
    nothing: int | None = fields.plain("Nothing.")


@strawberry.type
class Mutation:
    add: Counter | None = fields.root(added, description="Adds a number.")
    rename: Category = fields.root(renamed, description="Renames the category.")
    must_add: Counter = fields.root(added, description="Adds a number.")


schema = strawberry.Schema(Query, Mutation, config=StrawberryConfig(default_resolver=fields.stored))


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    done.clear()


async def payload(database: Database, query: str, *, compiled: bool) -> dict[str, Any]:
    executor = Executor(schema._schema, compiled=compiled)
    prepared = executor.prepare(Operation(query))
    assert isinstance(prepared, Prepared), prepared
    answer = await executor.run(prepared, request_for(database))
    payload = answer.payload
    for error in payload.get("errors", ()):
        error["extensions"].pop("errorId", None)
    return payload


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_field_is_completed_before_the_next_runs(database: Database, compiled: bool) -> None:
    query = "mutation { a: add(n: 1) { doubled } __typename b: add(n: 2) { n doubled } }"
    result = await payload(database, query, compiled=compiled)
    assert result == {"data": {"a": {"doubled": 2}, "__typename": "Mutation", "b": {"n": 2, "doubled": 4}}}
    assert list(result["data"]) == ["a", "__typename", "b"]
    assert done == ["add 1", "doubled [1]", "add 2", "doubled [2]"]


@pytest.mark.parametrize("compiled", [True, False])
async def test_equal_fields_each_run(database: Database, compiled: bool) -> None:
    query = "mutation { a: add(n: 1) { doubled } b: add(n: 1) { doubled } }"
    await payload(database, query, compiled=compiled)
    assert done == ["add 1", "doubled [1]", "add 1", "doubled [1]"]


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_field_does_not_reuse_what_the_previous_one_read(database: Database, compiled: bool) -> None:
    await store(database, categories=[factories.category("c")])
    query = 'mutation { a: rename(name: "A") { name } b: rename(name: "B") { name } }'
    result = await payload(database, query, compiled=compiled)
    assert result == {"data": {"a": {"name": "A"}, "b": {"name": "B"}}}


@pytest.mark.parametrize(
    "query",
    [
        "mutation { a: add(n: 1) { n } b: add(n: 13) { doubled } c: add(n: 3) { doubled } }",
        "mutation { a: add(n: 1) { n } b: add(n: -1) { n } c: add(n: 3) { doubled } }",
        "mutation { a: add(n: 1) { n } b: mustAdd(n: 13) { doubled } c: add(n: 3) { doubled } }",
        "mutation { a: mustAdd(n: -1) { n } c: add(n: 3) { doubled } }",
    ],
)
async def test_failures_are_reported_as_by_graphql_core_and_nothing_runs_twice(
    database: Database, query: str
) -> None:
    compiled = await payload(database, query, compiled=True)
    done_by_plan = done.copy()
    done.clear()
    assert compiled == await payload(database, query, compiled=False)
    assert done_by_plan == done
    assert "errors" in compiled
