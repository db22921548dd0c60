"""Relay connections: pages, edges and cursors for the lists that loaders.reading.listing defines."""

from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import itemgetter
from typing import Annotated, Any, NamedTuple, TypeAlias, TypedDict, TypeVar

import strawberry

from loaders.reading import Key, Listing, Page, Window, counts
from resolvers.context import Context
from resolvers.cursors import ParentKey, Scope, invalid_cursor
from resolvers.errors import BadUserInputError, InvalidCursorError
from resolvers.inputs import Bounds

DEFAULT_SIZE = 20
MAX_SIZE = 100
_SIZE = {"bounds": Bounds(min=0, max=MAX_SIZE)}

First = Annotated[
    int | None,
    strawberry.argument(
        description="Number of elements to return from the start of the list, from 0 to 100. The default is"
        " 20, unless `last` is given.",
        metadata=_SIZE,
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="Only elements after this cursor are returned.")
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="Number of elements to return from the end of the list, from 0 to 100; can't be combined"
        " with `first`.",
        metadata=_SIZE,
    ),
]
Before = Annotated[
    str | None, strawberry.argument(description="Only elements before this cursor are returned.")
]

T = TypeVar("T")

#: A document in a list. Any, because the types of the values depend on the collection.
NodeDoc: TypeAlias = Mapping[str, Any]

#: The name, filter and order of a list. A cursor's signature covers them, so a cursor is valid only for its
#: list.
CursorScope: TypeAlias = tuple[object, ...]


class Slice(NamedTuple):
    """The four paging arguments of a connection, as the client sent them."""

    first: int | None
    after: str | None
    last: int | None
    before: str | None


class ConnectionDoc(TypedDict):
    """The parent object of a connection's fields. Edges and cursors are created only if they are selected.

    searchedFor: the corrected search, or None if the search in the filter was not corrected.
    """

    nodes: Sequence[NodeDoc]
    page: Page
    cursors: Scope
    searchedFor: str | None


#: The parent object of an edge's fields. It consists of the node and the connection that contains the edge.
EdgeDoc: TypeAlias = tuple[NodeDoc, ConnectionDoc]


async def connections(
    ctx: Context,
    listing: Listing,
    parents: Sequence[ParentKey | None],
    arguments: Slice,
    scope: CursorScope,
    searched_for: str | None = None,
) -> list[Any]:  # Any, because an entry can be an error, which graphql-core raises for the field
    """Returns one connection per parent, in order. Sends one command.

    searched_for: the listing's search if it is a corrected one, otherwise None.

    An entry is an InvalidCursorError if a cursor belongs to the list of another parent. If a parent is None,
    its list is empty, regardless of the cursor.
    Raises BadUserInputError or InvalidCursorError if the arguments are invalid for all parents.
    """
    listing = replace(listing, projection=ctx.loaders.projections.get(listing.collection.name))
    cursors = ctx.cursors.scope(repr(scope), searched_for)
    shown = [parent for parent in dict.fromkeys(parents) if parent is not None]
    window, errors = _window(arguments, cursors, shown)
    pages = await listing.pages([None if p in errors else p for p in parents] if errors else parents, window)
    made: list[Any] = [  # Any, because errors can replace some of these connections
        {"nodes": page.documents, "page": page, "cursors": cursors, "searchedFor": searched_for}
        for page in pages
    ]
    return [errors.get(parent, c) for parent, c in zip(parents, made, strict=True)] if errors else made


async def connection(
    ctx: Context, listing: Listing, parent: ParentKey | None, arguments: Slice, scope: CursorScope
) -> ConnectionDoc:
    """Like `connections`, but returns the connection of a single parent."""
    (made,) = await connections(ctx, listing, [parent], arguments, scope)
    only: ConnectionDoc = made
    return only


def searched_for(
    ctx: Context, parents: Sequence[ParentKey | None], arguments: Slice, scope: CursorScope
) -> str | None:
    """Returns the corrected search that the cursors contain, or None if they don't contain one.

    Raises InvalidCursorError if the two cursors disagree, or if one of them belongs to none of the lists.
    """
    shown = [parent for parent in dict.fromkeys(parents) if parent is not None]
    given = [
        (name, cursor) for name in ("after", "before") if (cursor := getattr(arguments, name)) is not None
    ]
    if not (shown and given):
        return None
    cursors = ctx.cursors.scope(repr(scope))
    first, *others = [cursors.read(cursor, name, shown).searched_for for name, cursor in given]
    if others and others[0] != first:
        raise invalid_cursor("before")
    return first


async def total_count(connections: Sequence[ConnectionDoc], ctx: Context) -> Sequence[int]:
    return await by_listing(connections, counts)


async def by_listing(
    connections: Sequence[ConnectionDoc],
    function: Callable[[Listing, Sequence[ParentKey]], Awaitable[Sequence[T]]],
) -> list[T]:
    """Groups connections by listing, and calls a function once per listing with the parents of its group.

    Returns one result per connection, in the order of the connections.
    """
    groups: dict[int, list[Page]] = {}
    for connection in connections:
        groups.setdefault(id(connection["page"].listing), []).append(connection["page"])
    results = await gather(*(function(g[0].listing, [page.parent for page in g]) for g in groups.values()))
    remaining = {key: iter(group) for key, group in zip(groups, results, strict=True)}
    return [next(remaining[id(connection["page"].listing)]) for connection in connections]


def edges(connection: ConnectionDoc) -> list[EdgeDoc]:
    return list(zip(connection["nodes"], repeat(connection)))


#: Returns the node of an edge.
edge_node: Callable[[EdgeDoc], NodeDoc] = itemgetter(0)


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


def _cursor(connection: ConnectionDoc, node: NodeDoc) -> str:
    page = connection["page"]
    return connection["cursors"].cursor(page.parent, page.listing.key(node))


def check_size(name: str, size: int | None, most: int, hint: str = "") -> None:
    """Raises BadUserInputError if the number of elements that a client asked for is out of bounds.

    hint: what to do instead of asking for more than `most`.
    """
    if size is None or 0 <= size <= most:
        return
    message = f"`{name}` is {size}, but must be between 0 and {most}."
    if size < 0:
        raise BadUserInputError(message, "TOO_SMALL", min=0)
    raise BadUserInputError(f"{message}{hint}", "TOO_LARGE", max=most)


def _window(
    arguments: Slice, cursors: Scope, parents: Sequence[ParentKey]
) -> tuple[Window, Mapping[ParentKey, InvalidCursorError]]:
    """Converts paging arguments to a window, which is the range of elements to read from each parent's list.

    If a cursor is invalid for some parents, also returns an error for each of these parents. Raises
    BadUserInputError or InvalidCursorError if the arguments are invalid for all parents.
    """
    first, after, last, before = arguments
    if first is not None and last is not None:
        raise BadUserInputError("`first` and `last` can't be combined.")
    for name, size in (("first", first), ("last", last)):
        check_size(name, size, MAX_SIZE, " Use the cursors in `pageInfo` to fetch more.")
    size = last if last is not None else first
    keys: dict[str, Key] = {}
    errors: dict[ParentKey, InvalidCursorError] = {}
    for name, cursor in (("after", after), ("before", before)):
        if cursor is not None and parents:
            decoded = cursors.read(cursor, name, parents)
            keys[name] = decoded.key
            pairs = zip(parents, decoded.matches, strict=True)
            errors |= {parent: invalid_cursor(name) for parent, matches in pairs if not matches}
    return Window(DEFAULT_SIZE if size is None else size, **keys, from_end=last is not None), errors
