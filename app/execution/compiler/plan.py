"""The plan of an operation: what is called, and what is selected of what comes back.

It is a tree. A Selection has Positions. A position that needs the database is a Use of a function, and the
output of that has positions in turn. What lies between two uses is plain: keys and functions of documents.
Uses of one depth with the same function and arguments are one Level, which is one call (levels).
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType

from app.execution.compiler.field_arguments import Arguments
from loaders.reading import Projection


@dataclass(frozen=True, slots=True)
class Typename:
    """`__typename`."""

    reads: ClassVar[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A key of the document."""

    name: str

    @property
    def reads(self) -> Sequence[str]:
        return (self.name,)

    def value(self, document: Any) -> Any:
        return document.get(self.name)


@dataclass(frozen=True, slots=True)
class Computed:
    """A function of the document. reads: the stored keys it looks at."""

    function: Callable[[Any], Any]
    reads: Sequence[str] = ()

    def value(self, document: Any) -> Any:
        return self.function(document)


@dataclass(frozen=True, slots=True)
class Called:
    """A batch over parents, or for a field of the root a call without any.

    reads: the stored keys of the parents it looks at. commands: how many it sends at most.
    """

    function: Callable[..., Any]
    arguments: Arguments
    reads: Sequence[str] = ()
    commands: int = 1
    root: bool = False


Source: TypeAlias = Typename | Stored | Computed | Called


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected on the objects of one type, in the order of the response."""

    type: GraphQLObjectType
    positions: "list[Position]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Position:
    """A field at its place in the response.

    selections: what is selected on its objects, by their type's name; empty for a leaf.
    nodes: where it stands in the document, for errors.
    """

    key: str
    parent_type: str
    field_name: str
    type: GraphQLOutputType
    source: Source
    selections: Mapping[str, Selection] = field(default_factory=dict)
    nodes: Sequence[FieldNode] = ()

    @property
    def coordinate(self) -> str:
        return f"{self.parent_type}.{self.field_name}"


class Step(NamedTuple):
    """One key of a response path; None stands for any index of a list. nullable: whether it may be null."""

    key: str | None
    nullable: bool


#: From the response's data to a place in it.
Route: TypeAlias = tuple[Step, ...]

#: For each use below, in order: the parents, and the result objects that wait for a value.
Waiting: TypeAlias = list[tuple[list[Any], list[dict[str, Any]]]]

#: Puts the result of each value into its slot; returns what waits.
Build: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], Waiting]


class Built(NamedTuple):
    """A build function, with the uses that wait for its output, in the order in which it returns them.

    weight: about how many fields it makes of one value.
    """

    build: Build
    below: "list[Use]"
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A place that a function is called for.

    number: from 0, within the plan. route: to the place. built: puts values there.
    items: how the items of its lists are built, one by one, by position and type (complete).
    """

    number: int
    position: Position
    called: Called
    route: Route
    built: Built
    items: dict[tuple[int, int], Built] = field(default_factory=dict)


class Level(NamedTuple):
    """One call: the uses of one depth, from 1, with the same function and arguments.

    same: a number that it has in common with levels of other depths with that function and arguments.
    """

    number: int
    depth: int
    same: int
    uses: list[Use]

    @property
    def called(self) -> Called:
        return self.uses[0].called


class Levels(NamedTuple):
    """The levels of a plan for some values of its variables.

    all: parents first. of: the level of each use, by its number. shared: whether one has several uses.
    recurring: what is the same at several depths, and whether it may be ready at several at once.
    """

    all: list[Level]
    of: list[Level]
    shared: bool
    recurring: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """uses: one for each field of the root. keys: those of the response, in order, with what is known of
    their values beforehand: the type's name for `__typename`, otherwise None.

    projections: what is fetched of the documents of each collection.
    looked_beyond: the collections of which pages are selected with their `pageInfo`.
    serial: a mutation's fields are run one after the other.
    levels: None where they depend on the values of variables.
    """

    keys: Mapping[str, Any]
    uses: list[Use]
    projections: Mapping[str, Projection]
    looked_beyond: Set[str]
    serial: bool
    levels: Levels | None
