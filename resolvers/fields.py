"""The kinds of fields, by how a field is resolved. A field of no such kind is a key of its document.

Any kind of field may declare a `weight`: the number of values that each occurrence of the field in the
response counts for in the price of an operation (app/execution/cost.py). By default a leaf counts for one
value and an object for none.
"""

from asyncio import Future, shield
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any, TypeAlias

import strawberry
from graphql import OperationType
from strawberry import UNSET
from strawberry.dataloader import AbstractCache, DataLoader
from strawberry.utils.str_converters import to_camel_case

from resolvers.context import Context, LevelFunction

#: The keyword arguments of a level or root function, besides parents and context. GraphQL types them.
Arguments: TypeAlias = Mapping[str, Any]
#: The value of a field, of whatever type its declaration annotates.
Value: TypeAlias = Any
#: The object whose field is resolved: a stored document, or a value of another resolver.
Parent: TypeAlias = Any
#: What a class body assigns to an annotated field: Any, because it stands in for a value of that annotation.
Declaration: TypeAlias = Any

_graphql_name = lru_cache(maxsize=1_000)(to_camel_case)


def stored(document: Mapping[str, Value], name: str) -> Value:
    """Returns the value of a plain field, which is stored under its GraphQL name."""
    return document.get(_graphql_name(name))


def plain(description: str, *, weight: int | None = None) -> Declaration:
    """Declares a field that is stored under its own name."""
    return strawberry.field(description=description, metadata=_size_metadata(weight))


def computed(
    function: Callable[[Any], Value],  # each function takes the parent of its own type
    *,
    description: str,
    reads: Sequence[str] = (),
    weight: int | None = None,
    most: int | None = None,
) -> Declaration:
    """Declares a field that is computed from the document, without the database.

    reads: the stored keys that the function reads, besides `_id`. most: as for `level`.
    """

    def resolve(root: Parent) -> Value:
        return function(root)

    metadata = {"computed": function, "reads": reads, **_size_metadata(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def listed(name: str, most: int, description: str) -> Declaration:
    """Declares a list that is stored under its own name. most: the list is cut after that many items."""

    def truncated(root: Parent) -> Value:
        items = root.get(name)
        return items if items is None or len(items) <= most else items[:most]

    return computed(truncated, description=description, reads=[name], most=most)


def level(
    function: LevelFunction,
    *,
    description: str,
    reads: Sequence[str] = (),
    commands: int = 1,
    weight: int | None = None,
    most: int | None = None,
) -> Declaration:
    """Declares a field that needs the database, resolved in one batch for all parents of a level.

    function: `async (parents, ctx, *, arguments) -> one entry per parent, in order`.
    reads: the stored keys of the parents that the function reads, besides `_id`.
    commands: the number of MongoDB commands that it usually sends.
    most: the maximum length of a list that is not a page.

    Parents that are resolved one by one are collected into batches, one per set of equal arguments.
    """

    def resolve(root: Parent, info: strawberry.Info, **arguments: Value) -> Value:
        return _private_future(_loader(info.context, function, arguments).load(root))

    resolve.__signature__ = _signature(function, has_parent=True)  # type: ignore[attr-defined] # read by inspect
    metadata = {"level": function, "reads": reads, "commands": commands, **_size_metadata(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def root(
    function: Callable[..., Awaitable[Value]],
    *,
    description: str,
    commands: int = 1,
    weight: int | None = None,
    most: int | None = None,
) -> Declaration:
    """Declares a field of Query or Mutation.

    function: `async (ctx, *, arguments) -> the value of the field`. commands, most: as for `level`.
    A field of Mutation starts by dropping what the request has read so far.
    """

    async def resolve(info: strawberry.Info, **arguments: Value) -> Value:
        if info.operation.operation is OperationType.MUTATION:
            info.context.forget()
        return await function(info.context, **arguments)

    resolve.__signature__ = _signature(function, has_parent=False)  # type: ignore[attr-defined] # read by inspect
    metadata = {"root": function, "commands": commands, **_size_metadata(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def _size_metadata(weight: int | None, most: int | None = None) -> dict[str, int]:
    return {name: size for name, size in (("weight", weight), ("most", most)) if size is not None}


def _private_future(shared: Awaitable[Value]) -> Future[Value]:
    """Returns a private future for one of the callers that share a load.

    When a field fails, graphql-core cancels the futures still awaited beside it. That must not cancel the
    load that other callers are waiting for.
    """
    private = shield(shared)
    private.add_done_callback(_retrieve_exception)
    return private


def _retrieve_exception(future: Future[Value]) -> None:
    """Retrieves the exception of a future that may no longer be awaited, or asyncio would log it."""
    if not future.cancelled():
        future.exception()


def _signature(function: Callable[..., Awaitable[Value]], *, has_parent: bool) -> Signature:
    """Returns the signature for Strawberry to read: the function's arguments without parents and context."""
    arguments = [
        # A default of None would appear in the schema. UNSET leaves the default to the function.
        p.replace(default=UNSET) if p.default is None else p
        for p in signature(function).parameters.values()
        if p.kind is Parameter.KEYWORD_ONLY
    ]
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    parent = [Parameter("root", Parameter.POSITIONAL_OR_KEYWORD)] if has_parent else []
    return Signature([*parent, info, *arguments])


def _loader(ctx: Context, function: LevelFunction, arguments: Arguments) -> DataLoader[Parent, Value]:
    """Returns the request's loader for a level function with these arguments."""
    key = (function, identity(arguments))
    if (loader := ctx.levels.get(key)) is None:

        async def load(parents: list[Parent]) -> Sequence[Value]:
            return await function(parents, ctx, **arguments)

        loader = ctx.levels[key] = DataLoader(load, cache_map=_IdentityCache())
    return loader


def identity(arguments: Arguments) -> Hashable:
    """Returns a hashable key that is equal for equal arguments, and for no others.

    Strings stay as they are: Python caches their hash, so a text in many calls is hashed once.
    """
    return tuple([(name, _hashable(arguments[name])) for name in sorted(arguments)])


def _hashable(value: Value) -> Hashable:
    if isinstance(value, list | tuple):
        return (list, *map(_hashable, value))
    if isinstance(value, dict):
        return (dict, *((name, _hashable(member)) for name, member in value.items()))
    if is_dataclass(value):
        return (type(value), *(_hashable(getattr(value, field.name)) for field in fields(value)))
    return (type(value), value)  # the type distinguishes True, 1 and 1.0, which are equal


class _IdentityCache(AbstractCache[Parent, Value]):
    """A cache of futures by the identity of their parent, because documents are not hashable.

    It keeps each parent beside its future: Python reuses the identity of an object that no longer exists.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Parent, Future[Value]]] = {}

    def get(self, key: Parent) -> Future[Value] | None:
        entry = self._entries.get(id(key))
        return entry[1] if entry else None

    def set(self, key: Parent, value: Future[Value]) -> None:
        self._entries[id(key)] = (key, value)

    def delete(self, key: Parent) -> None:
        del self._entries[id(key)]

    def clear(self) -> None:
        self._entries.clear()
