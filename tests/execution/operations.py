"""Generates operations for comparison: from the schema, with real arguments, rewritten in many ways."""

from functools import cache
from typing import NamedTuple

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from hypothesis_graphql import queries

from app.execution import Operation
from resolvers.context import Viewer
from resolvers.schema import schema
from tests.execution.rewrites import REWRITES
from tests.execution.site import Site
from tests.execution.tree import Tree, from_document
from tests.execution.values import fill_in

GROWTHS = (1, 2, 2, 3, 3, 6)
MOST_REWRITES = 8

_SCHEMA = schema
_QUERY = _SCHEMA.query_type
assert _QUERY is not None

#: The types whose selections are extended: far from the root, hypothesis-graphql mostly selects one field.
_GROWING = (
    "Category", "Course", "CourseConnection", "CourseRun", "Enrollment", "Instructor", "Review",
    "ReviewConnection", "Student", "Viewer",
)  # fmt: skip


class Question(NamedTuple):
    operation: Operation
    viewer: Viewer


@st.composite
def questions(draw: DrawFn, site: Site) -> Question:
    """Draws an operation and its viewer."""
    tree = from_document(_SCHEMA, draw(_documents()))
    for _ in range(draw(st.sampled_from(GROWTHS))):
        _grow(draw, tree)
    fill_in(draw, tree, site)
    for rewrite in draw(st.lists(st.sampled_from(REWRITES), min_size=1, max_size=MOST_REWRITES)):
        rewrite(draw, _SCHEMA, tree)
    return Question(tree.operation(), draw(st.sampled_from(_askers(tree, site))))


def _askers(tree: Tree, site: Site) -> list[Viewer]:
    """The viewers to draw from. Those who can see the requested data are repeated, since an empty answer
    compares nothing.
    """
    asked = {field.name for field in tree.fields() if field.of.name == "Query"}
    viewers = list(site.viewers)
    if asked & {"students", "auditLog"}:
        viewers += [viewer for viewer in site.viewers if "STAFF" in viewer.roles] * 3
    if "viewer" in asked:
        viewers += [viewer for viewer in site.viewers if viewer.student_id] * 3
    return viewers


@cache
def _documents() -> st.SearchStrategy[DocumentNode]:
    """Draws operations on the whole schema or on a single root field, so that no field is rare."""
    assert _QUERY is not None
    single = [queries(_SCHEMA, fields=[name], print_ast=_unchanged) for name in _QUERY.fields]
    return st.one_of(*single, queries(_SCHEMA, print_ast=_unchanged))


@cache
def _on(type_name: str) -> tuple[GraphQLSchema, st.SearchStrategy[DocumentNode]]:
    """A schema with a type as its query type, and queries of it: selections on that type."""
    start = _SCHEMA.type_map[type_name]
    assert isinstance(start, GraphQLObjectType)
    own = GraphQLSchema(query=start)
    return own, queries(own, print_ast=_unchanged)


def _grow(draw: DrawFn, tree: Tree) -> None:
    """Adds fields to a random selection set that are not selected there yet."""
    places = [p for p in tree.places() if p.on.name in _GROWING]
    if places:
        place = draw(st.sampled_from(places))
        start, documents = _on(place.on.name)
        selected = {s.name for s in place.selections}
        more = from_document(start, draw(documents)).selections
        place.selections.extend(s for s in more if s.name not in selected)


def _unchanged(document: DocumentNode) -> DocumentNode:
    return document
