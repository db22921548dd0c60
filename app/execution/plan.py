"""The plan of an operation: what is called at which level, and what is selected of what comes back.

It is a tree. A Selection has Positions; a position that needs the database starts a Level, whose own output
has positions in turn. What lies between two levels is plain: keys and functions of documents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from graphql import GraphQLOutputType

from app.execution.arguments import Arguments
from loaders.projections import Projection


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


@dataclass(frozen=True, slots=True)
class Computed:
    """A function of the document. reads: the stored keys it looks at."""

    function: Callable[[Any], Any]
    reads: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """A batch over a level, or for a field of the root a call of its own.

    reads: the stored keys of the parents it looks at. commands: how many it sends at most.
    """

    function: Callable[..., Any]
    arguments: Arguments
    reads: Sequence[str] = ()
    commands: int = 1


Source: TypeAlias = Typename | Stored | Computed | Called


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected on the objects of one type, in the order of the response."""

    positions: "list[Position]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Position:
    """A field at its place in the response.

    selections: what is selected on its objects, by their type's name; empty for a leaf.
    """

    key: str
    parent_type: str
    field_name: str
    type: GraphQLOutputType
    source: Source
    selections: Mapping[str, Selection] = field(default_factory=dict)

    @property
    def coordinate(self) -> str:
        return f"{self.parent_type}.{self.field_name}"


@dataclass(frozen=True, slots=True)
class Use:
    """A place where the values of a level go, and the levels that its output needs in turn.

    build: turns values into results; made by app.execution.build.
    """

    position: Position
    levels: "list[Level]"
    build: "Build"


@dataclass(frozen=True, slots=True)
class Level:
    """One call for all parents. Positions with the same function and arguments share it."""

    called: Called
    uses: list[Use] = field(default_factory=list)


#: For one use of each child level, in order: the parents, and the result objects that wait for a value.
Waiting: TypeAlias = list[tuple[list[Any], list[dict[str, Any]]]]

#: Puts the result of each value under the position's key of its result object, and tells what waits.
Build: TypeAlias = Callable[[list[Any], list[dict[str, Any]]], Waiting]


@dataclass(frozen=True, slots=True)
class Plan:
    """levels: one for each field of the root. keys: those of the response, in order, with what is known of
    their values beforehand: the type's name for `__typename`, otherwise None.

    projections: what is fetched of the documents of each collection.
    serial: a mutation's fields are run one after the other.
    """

    keys: Mapping[str, Any]
    levels: list[Level]
    projections: Mapping[str, Projection]
    serial: bool

    def __iter__(self) -> Iterator[tuple[int, Level]]:
        """Every level with its depth, from 1, parents first."""
        return _walk(self.levels, 1)


def _walk(levels: list[Level], depth: int) -> Iterator[tuple[int, Level]]:
    for level in levels:
        yield depth, level
        for use in level.uses:
            yield from _walk(use.levels, depth + 1)
