"""The plan of an operation: the functions to call, and the fields to select from their results.

A plan is a tree. A Selection has Positions. A Position whose value needs the database has a CallSite, and the
result of the call has its own Positions. Everything between two call sites is computed in memory, from
documents that have been loaded. Call sites at the same depth with the same function and arguments form a
Level, which is executed as a single call (see levels.py).
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType

from app.execution.compiler.field_arguments import Arguments
from loaders.reading import Projection

#: A document, a value in a document, or what a function returned for one parent.
Value: TypeAlias = Any  # Any: a value's type is unknown until the value is completed

ResultObject: TypeAlias = dict[str, Any]  # a JSON object in the response being built


@dataclass(frozen=True, slots=True)
class Typename:
    """The field `__typename`. Its value is the name of the object's type."""

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
    """A field whose values are returned by an async function.

    The function receives a batch of parents. For a root field, it receives no parents.

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

    key: str | None  # None represents every index of a list
    nullable: bool


#: The steps from the top of the response's `data` to a place within it.
Route: TypeAlias = tuple[Step, ...]

#: The inputs of the nested call sites, in order. Each pair holds the parents that have arrived at one site,
#: and for each parent the result object that will contain its value.
Waiting: TypeAlias = list[tuple[list[Value], list[ResultObject]]]

#: A generated function that completes values, and stores each result in a given object or list. It returns
#: the inputs of the nested calls.
Build: TypeAlias = Callable[[Sequence[Value], Sequence[Any]], Waiting]  # Any: objects or lists


class Built(NamedTuple):
    """A build function, and what a run needs to know about it.

    below: the nested call sites, in the order in which the function returns their inputs.
    weight: the approximate number of fields that the function builds for one value.
    """

    build: Build
    below: "list[CallSite]"
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class CallSite:
    """A call site: a place in the response whose values are returned by a function call.

    number: the index of the call site within the plan. built: the build function for the values. items: the
    build functions for the items of lists in the values. app.execution.runner.completion adds and uses them.
    Each is keyed by the id() of the list's Position and the id() of the items' type.
    """

    number: int
    position: Position
    called: Called
    route: Route
    built: Built
    items: dict[tuple[int, int], Built] = field(default_factory=dict)


class Level(NamedTuple):
    """The call sites at one depth that share a call, because they have the same function and arguments.

    depth: counted from 1. same: a number that is the same for all levels with this function and these
    arguments.
    """

    number: int
    depth: int
    same: int
    sites: list[CallSite]

    @property
    def called(self) -> Called:
        return self.sites[0].called


class Levels(NamedTuple):
    """The levels of a plan for given values of its variables.

    all: every level, ordered by the position of its first call site in the plan (depth first).
    of: the level of each call site, in the order of the call sites' numbers.
    shared: whether any level has several call sites.
    recurring: has an entry for each call that occurs at several depths. The key is the call's `Level.same`.
    The value tells whether two levels with this call can be ready at the same time.
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
    sites: a call site for each root field that calls a function, with all call sites nested below it.
    projections: the keys to fetch from the documents of each collection.
    looked_beyond: the collections for which the operation requests the `pageInfo` of any page.
    serial: whether root fields run one after another, as in a mutation.
    levels: the plan's levels, or None if they depend on the values of variables.
    """

    keys: Mapping[str, str | None]
    sites: list[CallSite]
    projections: Mapping[str, Projection]
    looked_beyond: Set[str]
    serial: bool
    levels: Levels | None
