"""The plan of an operation: the functions to call, and the fields to select from their results.

It is a tree. A Selection has Positions. A Position that needs the database is a Use of a function, and the
function's result has Positions in turn. Between two uses there are only keys and functions of documents. The
uses of one depth with the same function and arguments form a Level, which is one call (levels).
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType

from app.execution.compiler.field_arguments import Arguments
from loaders.reading import Projection

#: A document, or a value in one, or what a function returns for a parent.
Value: TypeAlias = Any  # nothing is known of its type until it is completed

ResultObject: TypeAlias = dict[str, Any]  # a JSON object of the response that is being built


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

    def value(self, document: Value) -> Value:
        return document.get(self.name)


@dataclass(frozen=True, slots=True)
class Computed:
    """A function of the document. reads: the stored keys that it reads."""

    function: Callable[[Value], Value]
    reads: Sequence[str] = ()

    def value(self, document: Value) -> Value:
        return self.function(document)


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a function: a batch over parents, or a root field, which has no parents.

    reads: the stored keys of the parents that it reads. commands: the most MongoDB commands that it sends.
    """

    function: Callable[..., Any]  # its parameters and its awaitable result vary by field
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

    selections: what is selected on its objects, by the name of their type; empty for a leaf.
    nodes: the nodes of the document that select it, for errors.
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
    """One key of a response path. nullable: whether the value under it may be null."""

    key: str | None  # None stands for any index of a list
    nullable: bool


#: The steps from the response's data to a place in it.
Route: TypeAlias = tuple[Step, ...]

#: For each use below, in order: the parents, and the result objects that wait for the parents' values.
Waiting: TypeAlias = list[tuple[list[Value], list[ResultObject]]]

#: Puts the result of each value into the value's slot. Returns what waits for the uses below.
Build: TypeAlias = Callable[[Sequence[Value], Sequence[Any]], Waiting]  # a slot is an object or a list


class Built(NamedTuple):
    """A build function, with the uses below it in the order of its output.

    weight: about how many fields it builds for one value.
    """

    build: Build
    below: "list[Use]"
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A place in the response that a function is called for.

    number: of the use within the plan, from 0. route: to the place. built: puts values there.
    items: build functions for single items of its lists, by position and type
    (app.execution.runner.completion).
    """

    number: int
    position: Position
    called: Called
    route: Route
    built: Built
    items: dict[tuple[int, int], Built] = field(default_factory=dict)


class Level(NamedTuple):
    """One call: the uses of one depth with the same function and arguments.

    depth: from 1. same: a number that all levels with this function and these arguments share.
    """

    number: int
    depth: int
    same: int
    uses: list[Use]

    @property
    def called(self) -> Called:
        return self.uses[0].called


class Levels(NamedTuple):
    """The levels of a plan for given values of its variables.

    all: parents first. of: the level of each use, by the use's number. shared: whether any level has several
    uses. recurring: the calls that occur at several depths, by `Level.same`, and whether they can be ready at
    the same time.
    """

    all: list[Level]
    of: list[Level]
    shared: bool
    recurring: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation.

    keys: the keys of the response, in order, each with its value if that is known in advance: the type's name
    for `__typename`, otherwise None.
    uses: one for each called root field.
    projections: the keys to fetch from the documents of each collection.
    looked_beyond: the collections that have pages with a selected `pageInfo`.
    serial: whether root fields run one after the other, as those of a mutation do.
    levels: None if they depend on the values of variables.
    """

    keys: Mapping[str, str | None]
    uses: list[Use]
    projections: Mapping[str, Projection]
    looked_beyond: Set[str]
    serial: bool
    levels: Levels | None
