"""A page of a root list, or of one parent's list, is read in the order of an index: no scan, and no sort."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_nullable_type,
)

from loaders import indexes
from loaders.collections import COLLECTIONS
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.schema import schema
from tests.permissions import world
from tests.support import RunQuery

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")

#: An object of each type with lists.
PARENTS: Mapping[str, Mapping[str, Any]] = {
    "Course": world.course,
    "CourseRun": world.run,
    "Category": world.web,
    "Instructor": world.grace,
    "Student": world.ada,
}
_READS = {"find", "aggregate", "count", "distinct"}
#: Lists of a type that aren't read from a collection of their own.
EMBEDDED = {"Viewer.wishlist"}
#: Lists that MongoDB may sort in some orders, because they are short: a student writes few reviews.
SORTED = {"Student.reviews"}


def _lists(parent: GraphQLObjectType) -> Iterator[tuple[str, str]]:
    """The connections of a type, each in each of its orders."""
    for name, field in parent.fields.items():
        if "after" in field.args:
            yield from ((name, order) for order in _orders(field))


def _orders(field: GraphQLField) -> list[str]:
    if "orderBy" not in field.args:
        return [""]
    order = get_nullable_type(field.args["orderBy"].type)
    assert isinstance(order, GraphQLInputObjectType)
    kind = get_nullable_type(order.fields["field"].type)
    assert isinstance(kind, GraphQLEnumType)
    return [
        f", orderBy: {{field: {value}, direction: {direction}}}"
        for value in kind.values
        for direction in ("ASC", "DESC")
    ]


def _object_type(name: str) -> GraphQLObjectType:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def _cases() -> Iterator[Any]:
    for name, order in _lists(_object_type("Query")):
        text = f"{{ {name}(first: 2{order}) {{ nodes {{ __typename }} }} }}"
        yield pytest.param(text, False, id=f"{name}{order}")
    for type_name, parent in PARENTS.items():
        node = world.global_id(type_name, dict(parent))
        for name, order in _lists(_object_type(type_name)):
            selected = f"... on {type_name} {{ {name}(first: 2{order}) {{ nodes {{ __typename }} }} }}"
            sorts = f"{type_name}.{name}" in SORTED
            yield pytest.param(
                f'{{ node(id: "{node}") {{ {selected} }} }}', sorts, id=f"{type_name}.{name}{order}"
            )


def test_every_list_has_a_case() -> None:
    types = {
        f"{name}.{field}"
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and name not in PARENTS and name != "Query"
        for field, _ in _lists(kind)
    }
    assert types == EMBEDDED


@pytest.fixture(scope="module")
async def unused_indexes(indexed_database: Database) -> None:
    """New indexes: one that has held an array, as in a damaged document, can't be used for every order."""
    for row in COLLECTIONS.values():
        await indexed_database.driver.drop_collection(row.name)
    await indexes.ensure(indexed_database)


@pytest.fixture
async def profiled(unused_indexes: None, database: Database) -> AsyncIterator[Database]:
    """A database with documents in every collection, whose commands are profiled."""
    await world.create(database)
    for name in COLLECTIONS:  # a cached plan may have been chosen for other documents
        await database.driver.command("planCacheClear", name)
    await database.driver.command("profile", 2)
    yield database
    await database.driver.command("profile", 0)
    await database["system.profile"].drop()


def _reads_documents(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the profile is of a command that has a plan.

    Others may run at any time: of MongoDB, of the driver, and the regular check of the indexes.
    """
    command = entry["command"]
    is_own = not entry["ns"].endswith("system.profile") and bool(command.keys() & _READS)
    return is_own and "$collStats" not in str(command.get("pipeline"))


@pytest.mark.parametrize(("text", "sorts"), [*_cases()])
async def test_a_page_is_read_by_an_index(
    profiled: Database, run_query: RunQuery, text: str, *, sorts: bool
) -> None:
    await run_query(text, viewer=STAFF)

    read = await profiled["system.profile"].find({"op": {"$in": ["query", "command"]}}).to_list(None)
    commands = [entry for entry in read if _reads_documents(entry)]
    assert commands
    for entry in commands:
        assert "planSummary" in entry, entry
        assert "COLLSCAN" not in entry["planSummary"], entry
        assert sorts or not entry.get("hasSortStage"), entry
