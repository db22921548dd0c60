"""A client computes the same price from schema.graphql and the formula in docs/cost.md."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, is_introspection_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.execution import Executor, Operation, Prepared
from loaders.mongo import Database
from resolvers.schema import declaration, schema
from tests.execution import sites
from tests.execution.operations import questions
from tests.execution.published_price import published
from tests.execution.site import Site
from tests.support import UNLIMITED
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import operation
from tests.writes.test_engines import SELECTIONS

EXECUTOR = Executor(schema, UNLIMITED)


def price(query: str, variables: dict[str, Any] | None = None) -> tuple[int, ...]:
    prepared = EXECUTOR.prepare(Operation(query, variables))
    assert isinstance(prepared, Prepared), prepared
    return (*prepared.cost, prepared.cost.price)


def as_client(query: str, variables: dict[str, Any] | None = None) -> tuple[int, ...]:
    parts = published(query, variables)
    return (*parts, parts.price)


@pytest.mark.parametrize(
    "query",
    [
        "{ __typename }",
        "{ courses { totalCount facets { levels { count } } } }",
        "{ courses(first: 3) { edges { cursor node { reviews(last: 2) { totalCount } } } } }",
        '{ node(id: "x") { id ... on Course { description runs { nodes { id } } } ... on Review { body } } }',
        '{ nodes(ids: ["a", "b", "c"]) { ... on Course { category { name } } } x: nodes(ids: "a") { id } }',
        '{ categories { courses(filter: {search: "a", tags: ["b", "c"]}) { totalCount nodes { id } } } }',
        "{ a: courses(first: 0) { nodes { category { id } } } courses { nodes { category { id } } } }",
        "{ a: courses { totalCount } b: courses { totalCount } c: courses(first: 20) { totalCount } }",
        "{ courses { ...F nodes @include(if: false) { id } } } fragment F on CourseConnection { totalCount }",
        "{ viewer { wishlist(first: 0) { totalCount pageInfo { endCursor } } roles } }",
        "{ auditLog { nodes { changes { before node { ... on Course { tags } } } } } }",
    ],
)
def test_a_client_computes_the_price(query: str) -> None:
    assert as_client(query) == price(query)


@pytest.mark.parametrize("name", NAMES)
async def test_a_client_computes_the_price_of_writes(database: Database, name: str) -> None:
    """Two of them, because root fields of a mutation share no calls."""
    _, values = (await scenes(database))[name]
    write = operation(name, selections=SELECTIONS)
    head, _, field = write.removesuffix("}").partition("{")
    query = f"{head} {{ {field} again: {field} }}"
    variables = {"input": dict(values)}
    assert as_client(query, variables) == price(query, variables)


@pytest.mark.parametrize("site", sites.MADE[:1], indirect=True)
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_client_computes_the_price_of_any_query(site: Site, data: st.DataObject) -> None:
    """Except for introspection, whose price is counted on the schema, and conditions without a value."""
    query, variables, *_ = data.draw(questions(site)).operation
    prepared = EXECUTOR.prepare(Operation(query, variables))
    if isinstance(prepared, Prepared) and not _runs_on_graphql_core(prepared):
        parts = published(query, variables)
        assert (*parts, parts.price) == (*prepared.cost, prepared.cost.price)


def _runs_on_graphql_core(prepared: Prepared) -> bool:
    values = prepared.variables.coerced
    nulls = (f"(if: ${name})" for name, value in values.items() if value is None)
    return prepared.document.introspects or any(null in prepared.operation.query for null in nulls)


def test_each_function_belongs_to_one_field() -> None:
    """Calls are equal if their fields are: so a client needn't know functions."""
    coordinates: dict[object, set[str]] = {}
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind):
            for field_name, field in kind.fields.items():
                metadata = declaration(field).metadata
                if (function := metadata.get("level") or metadata.get("root")) and not name.endswith(
                    "Connection"
                ):
                    coordinates.setdefault(function, set()).add(f"{name}.{field_name}")
    assert {len(fields) for fields in coordinates.values()} == {1}
