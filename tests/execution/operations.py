"""Operations to compare on: generated from the schema, asked of real data, rewritten in many ways."""

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

#: What a selection is grown on. What hypothesis-graphql selects far from the root is one field, mostly.
_GROWING = (
    "Category", "Course", "CourseConnection", "CourseRun", "Enrollment", "Instructor", "Review",
    "ReviewConnection", "Student", "Viewer",
)  # fmt: skip


class Question(NamedTuple):
    operation: Operation
    viewer: Viewer


@st.composite
def questions(draw: DrawFn, site: Site) -> Question:
    """An operation and who asks it."""
    tree = from_document(_SCHEMA, draw(_documents()))
    for _ in range(draw(st.sampled_from(GROWTHS))):
        _grow(draw, tree)
    fill_in(draw, tree, site)
    for rewrite in draw(st.lists(st.sampled_from(REWRITES), min_size=1, max_size=MOST_REWRITES)):
        rewrite(draw, _SCHEMA, tree)
    return Question(tree.operation(), draw(st.sampled_from(_askers(tree, site))))


def _askers(tree: Tree, site: Site) -> list[Viewer]:
    """All viewers; more often those who see what is asked for, since nothing is compared where there is
    nothing.
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
    """Of the whole schema, or of one field of the query, so that none is rare."""
    assert _QUERY is not None
    single = [queries(_SCHEMA, fields=[name], print_ast=_as_it_is) for name in _QUERY.fields]
    return st.one_of(*single, queries(_SCHEMA, print_ast=_as_it_is))


@cache
def _on(type_name: str) -> tuple[GraphQLSchema, st.SearchStrategy[DocumentNode]]:
    """Selections on a type: queries of a schema that starts there."""
    start = _SCHEMA.type_map[type_name]
    assert isinstance(start, GraphQLObjectType)
    own = GraphQLSchema(query=start)
    return own, queries(own, print_ast=_as_it_is)


def _grow(draw: DrawFn, tree: Tree) -> None:
    """Select more somewhere, of what is not selected there."""
    places = [p for p in tree.places() if p.on.name in _GROWING]
    if places:
        place = draw(st.sampled_from(places))
        start, documents = _on(place.on.name)
        selected = {s.name for s in place.selections}
        more = from_document(start, draw(documents)).selections
        place.selections.extend(s for s in more if s.name not in selected)


def _as_it_is(document: DocumentNode) -> DocumentNode:
    return document
