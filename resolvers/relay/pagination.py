"""Relay connections over loaders.reading.listing: arguments in, pages, edges and cursors out."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import itemgetter
from typing import Annotated, Any, NamedTuple, TypeAlias, TypedDict, TypeVar

import strawberry

from loaders.reading import Key, Listing, Page, Window, counts
from resolvers.context import Context
from resolvers.cursors import Scope, refused
from resolvers.errors import BadUserInputError, InvalidCursorError

DEFAULT_SIZE = 20
MOST = 100

First = Annotated[
    int | None, strawberry.argument(description="At most this many, from the start: up to 100.")
]
After = Annotated[
    str | None, strawberry.argument(description="Only what follows the element of this cursor.")
]
Last = Annotated[int | None, strawberry.argument(description="At most this many, from the end: up to 100.")]
Before = Annotated[
    str | None, strawberry.argument(description="Only what precedes the element of this cursor.")
]

T = TypeVar("T")

#: What tells a list from every other, for its cursors: its name, filter and order.
Scoped: TypeAlias = tuple[object, ...]


class Slice(NamedTuple):
    """A connection's four arguments, as they came."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None


class ConnectionDoc(TypedDict):
    """What a connection resolves to. Edges and cursors are made when they are selected."""

    nodes: Sequence[Any]
    page: Page
    cursors: Scope


#: A node and the connection it is an edge of.
EdgeDoc: TypeAlias = tuple[Any, ConnectionDoc]


async def connections(
    ctx: Context,
    listing: Listing,
    parents: Sequence[Any],
    arguments: Slice,
    of: Scoped,
) -> list[Any]:
    """The connection of each parent, in order; an InvalidCursorError where a cursor is of another parent's
    list. The list of a parent that is None is empty, whatever the cursor. One command.

    Raises BadUserInputError or InvalidCursorError for arguments that can't be used.
    """
    listing = replace(listing, projection=ctx.loaders.projections.get(listing.collection.name))
    cursors = ctx.cursors.scope(repr(of))
    shown = [parent for parent in dict.fromkeys(parents) if parent is not None]
    window, wrong = _window(arguments, cursors, shown)
    found = await listing.pages([None if p in wrong else p for p in parents] if wrong else parents, window)
    made: list[Any] = [{"nodes": page.documents, "page": page, "cursors": cursors} for page in found]
    return [wrong.get(parent, c) for parent, c in zip(parents, made, strict=True)] if wrong else made


async def connection(
    ctx: Context, listing: Listing, parent: Any, arguments: Slice, of: Scoped
) -> ConnectionDoc:
    """As `connections`, of one parent."""
    (found,) = await connections(ctx, listing, [parent], arguments, of)
    made: ConnectionDoc = found
    return made


async def total_count(connections: Sequence[ConnectionDoc], ctx: Context) -> Sequence[int]:
    return await by_listing(connections, counts)


async def by_listing(
    connections: Sequence[ConnectionDoc],
    function: Callable[[Listing, Sequence[Any]], Awaitable[Sequence[T]]],
) -> list[T]:
    """One result for each connection, in order: the function gets the parents of each listing at once."""
    groups: dict[int, list[Page]] = {}
    for connection in connections:
        groups.setdefault(id(connection["page"].listing), []).append(connection["page"])
    results = await gather(*(function(g[0].listing, [page.parent for page in g]) for g in groups.values()))
    waiting = {key: iter(found) for key, found in zip(groups, results, strict=True)}
    return [next(waiting[id(connection["page"].listing)]) for connection in connections]


def edges(connection: ConnectionDoc) -> list[EdgeDoc]:
    return list(zip(connection["nodes"], repeat(connection)))


#: The node of an edge.
edge_node: Callable[[EdgeDoc], Any] = itemgetter(0)


def cursor(edge: EdgeDoc) -> str:
    node, connection = edge
    return _cursor(connection, node)


def has_next_page(connection: ConnectionDoc) -> bool:
    return connection["page"].has_next


def has_previous_page(connection: ConnectionDoc) -> bool:
    return connection["page"].has_previous


def start_cursor(connection: ConnectionDoc) -> str | None:
    return _cursor(connection, connection["nodes"][0]) if connection["nodes"] else None


def end_cursor(connection: ConnectionDoc) -> str | None:
    return _cursor(connection, connection["nodes"][-1]) if connection["nodes"] else None


def page_info(connection: ConnectionDoc) -> ConnectionDoc:
    return connection


def _cursor(connection: ConnectionDoc, node: Mapping[str, Any]) -> str:
    page = connection["page"]
    return connection["cursors"].cursor(page.parent, page.listing.key(node))


def _window(
    arguments: Slice, cursors: Scope, parents: Sequence[Any]
) -> tuple[Window, Mapping[Any, InvalidCursorError]]:
    """The window, and the parents that one of its cursors is not for."""
    first, after, last, before = arguments
    if first is not None and last is not None:
        raise BadUserInputError("Give `first` or `last`, not both.")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MOST:
            hint = " Follow `pageInfo` for more." if size > MOST else ""
            raise BadUserInputError(f"`{name}` is {size}: it takes 0 to {MOST}.{hint}")
    size = last if last is not None else first
    keys: dict[str, Key] = {}
    wrong: dict[Any, InvalidCursorError] = {}
    for name, cursor in (("after", after), ("before", before)):
        if cursor is not None and parents:
            read = cursors.read(cursor, name, parents)
            keys[name] = read.key
            wrong |= {p: refused(name) for p, own in zip(parents, read.is_of, strict=True) if not own}
    return Window(DEFAULT_SIZE if size is None else size, **keys, from_end=last is not None), wrong
