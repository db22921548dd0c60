"""The plan of an operation: the functions to call, and the fields to select from their results.

A plan is a tree. A Selection has Positions. A Position that needs the database is a Use of a function, and
the function's result has Positions in turn. Everything between two uses is computed in memory, from keys and
functions of documents. Uses at the same depth with the same function and arguments form a Level, which is
executed as a single call (see levels.py).
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType

from app.execution.compiler.field_arguments import Arguments
from loaders.reading import Projection

#: A document, a value in a document, or the result of a function for a parent.
Value: TypeAlias = Any  # its type is unknown until the value is completed

ResultObject: TypeAlias = dict[str, Any]  # a JSON object in the response being built


@dataclass(frozen=True, slots=True)
class Typename:
    """The source of `__typename`: the name of the object's type."""

    reads: ClassVar[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """A field whose value is stored under a key of the document."""

    name: str

    @property
    def reads(self) -> Sequence[str]:
        return (self.name,)

    def value(self, document: Value) -> Value:
        return document.get(self.name)


@dataclass(frozen=True, slots=True)
class Computed:
    """A field computed from the document in memory. reads: the stored keys that the function reads."""

    function: Callable[[Value], Value]
    reads: Sequence[str] = ()

    def value(self, document: Value) -> Value:
        return self.function(document)


@dataclass(frozen=True, slots=True)
class Called:
    """A field that calls an async function: for a batch of parents, or as a root field without parents.

    reads: the stored keys that the function reads from the parents. commands: the maximum number of MongoDB
    commands that one call sends.
    """

    function: Callable[..., Any]  # Any: the parameters and the result vary by field
    arguments: Arguments
    reads: Sequence[str] = ()
    commands: int = 1
    root: bool = False


Source: TypeAlias = Typename | Stored | Computed | Called


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields selected on objects of one type, in the order of the response."""

    type: GraphQLObjectType
    positions: "list[Position]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Position:
    """A field at its place in the response.

    key: the response key. selections: the fields selected on the field's objects, by type name; empty for a
    leaf. nodes: the nodes of the document that select the field, for use in errors.
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
    """One key in a response path. nullable: whether the value under the key can be null."""

    key: str | None  # None stands for every index of a list
    nullable: bool


#: The steps from the top of the response's `data` to a place within it.
Route: TypeAlias = tuple[Step, ...]

#: For each nested use, in order: its parents, and the result objects to put the parents' values into.
Waiting: TypeAlias = list[tuple[list[Value], list[ResultObject]]]

#: A generated function that completes values and stores each result in the object or list it belongs to.
#: Returns the values and result objects that the uses nested below depend on.
Build: TypeAlias = Callable[[Sequence[Value], Sequence[Any]], Waiting]  # Any: objects or lists


class Built(NamedTuple):
    """A build function, and what a run needs to know about it.

    below: the nested uses (calls), in the order in which the function returns their inputs.
    weight: about how many fields the function builds for one value.
    """

    build: Build
    below: "list[Use]"
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A place in the response whose values come from a call of a function.

    number: the index of the use within the plan, from 0. route: the route to the place. built: the build
    function that puts values there. items: build functions for single items of the lists within, keyed by
    position and type (used by app.execution.runner.completion).
    """

    number: int
    position: Position
    called: Called
    route: Route
    built: Built
    items: dict[tuple[int, int], Built] = field(default_factory=dict)


class Level(NamedTuple):
    """One call: all uses at the same depth with the same function and arguments.

    depth: the depth of the call, from 1. same: a number shared by all levels with this function and these
    arguments.
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

    all: the levels, parents before children. of: the level of each use, indexed by the use's number. shared:
    whether any level has several uses. recurring: the calls that occur at several depths, keyed by
    `Level.same`; the value is whether they can be ready at the same time.
    """

    all: list[Level]
    of: list[Level]
    shared: bool
    recurring: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation.

    keys: the root keys of the response, in order. `__typename` is mapped to the type's name, because that is
    known in advance; all other keys are mapped to None.
    uses: one use for each root field that calls a function.
    projections: the keys to fetch from the documents of each collection.
    looked_beyond: the collections of which some page is requested with its `pageInfo`.
    serial: whether root fields run one after another, as in a mutation.
    levels: the plan's levels, or None if they depend on the values of variables.
    """

    keys: Mapping[str, str | None]
    uses: list[Use]
    projections: Mapping[str, Projection]
    looked_beyond: Set[str]
    serial: bool
    levels: Levels | None
