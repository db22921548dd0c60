"""Declares the fields of the schema's types, with one function for each way of resolving a field.

A declaration can set a `weight`, which is used to compute the cost of an operation (app/execution/pricing/):
each occurrence of the field in the response counts as that many values. By default, a leaf counts as one
value, and an object as none.
"""

from asyncio import Future, ensure_future, shield
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

#: The keyword arguments of a function that resolves a field. Any, because GraphQL checks their types.
Arguments: TypeAlias = Mapping[str, Any]
#: The value of a field. Any, because its type depends on the field.
Value: TypeAlias = Any
#: The object whose field is resolved: a stored document, or a value returned by another resolver.
Parent: TypeAlias = Any
#: The value assigned to an annotated field in a class body. Any, so that mypy allows every annotation.
Declaration: TypeAlias = Any

_graphql_name = lru_cache(maxsize=1_000)(to_camel_case)


def stored(document: Mapping[str, Value], name: str) -> Value:
    """Returns the value of a plain field, which is stored in the document under its GraphQL name."""
    return document.get(_graphql_name(name))


def plain(description: str, *, weight: int | None = None) -> Declaration:
    """Declares a field that is stored in the document under its GraphQL name."""
    return strawberry.field(description=description, metadata=_size_metadata(weight))


def computed(
    function: Callable[[Any], Value],  # Any, because the type of the parent depends on the function
    *,
    description: str,
    reads: Sequence[str] = (),
    weight: int | None = None,
    most: int | None = None,
) -> Declaration:
    """Declares a field that is computed from the document, without querying the database.

    reads: the stored keys that the function reads, in addition to `_id`. most: the maximum length of the
    returned list, if the function returns a list.
    """

    def resolve(root: Parent) -> Value:
        return function(root)

    metadata = {"computed": function, "reads": reads, **_size_metadata(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def listed(name: str, most: int, description: str) -> Declaration:
    """Declares a list that is stored in the document under its GraphQL name.

    most: the maximum number of items to return; any further items are left out.
    """

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
    search_commands: int = 0,
    rare_commands: int = 0,
    weight: int | None = None,
    most: int | None = None,
) -> Declaration:
    """Declares a field that queries the database, once for all parents at the same level of the operation.

    function: `async (parents, ctx, *, arguments) -> one entry per parent, in order`.
    reads: the stored keys of the parents that the function reads, in addition to `_id`.
    commands: the number of MongoDB commands that the function usually sends. search_commands: the number of
    additional commands that it can send if its filter has a search; more if the search makes a command as
    expensive as several. rare_commands: the number of additional commands that it sends in rare cases: for a
    former slug, for a document whose owner must be looked up, or if a stored id is out of date. They are part
    of the price, but `lectern explain` doesn't show them.
    most: the maximum length of the returned list, if the field is a list without pages. If the field has an
    argument `first`, it is the length without this argument.

    graphql-core resolves parents one at a time. When it runs the operation, a DataLoader batches the calls
    that have equal arguments.
    """

    def resolve(root: Parent, info: strawberry.Info, **arguments: Value) -> Value:
        return private_future(_loader(info.context, function, arguments).load(root))

    resolve.__signature__ = _signature(function, has_parent=True)  # type: ignore[attr-defined] # read by inspect
    metadata = {
        "level": function,
        "reads": reads,
        "commands": commands,
        "search_commands": search_commands,
        "rare_commands": rare_commands,
        **_size_metadata(weight, most),
    }
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def root(
    function: Callable[..., Awaitable[Value]],
    *,
    description: str,
    commands: int = 1,
    search_commands: int = 0,
    rare_commands: int = 0,
    weight: int | None = None,
    has_own_limit: bool = False,
    most: int | None = None,
) -> Declaration:
    """Declares a field of Query or Mutation.

    function: `async (ctx, *, arguments) -> the value of the field`. commands, search_commands,
    rare_commands, most: see `level`. has_own_limit: whether something else limits the work that the weight
    stands for, so that budgets don't count the weight.
    Before a field of Mutation is resolved, the cache of what the request has read so far is cleared.
    """

    async def resolve(info: strawberry.Info, **arguments: Value) -> Value:
        if info.operation.operation is OperationType.MUTATION:
            info.context.forget()
        return await function(info.context, **arguments)

    resolve.__signature__ = _signature(function, has_parent=False)  # type: ignore[attr-defined] # read by inspect
    metadata = {
        "root": function,
        "commands": commands,
        "search_commands": search_commands,
        "rare_commands": rare_commands,
        "has_own_limit": has_own_limit,
        **_size_metadata(weight, most),
    }
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def _size_metadata(weight: int | None, most: int | None = None) -> dict[str, int]:
    return {name: size for name, size in (("weight", weight), ("most", most)) if size is not None}


def private_future(shared: Awaitable[Value]) -> Future[Value]:
    """Returns a private future for one of several callers that await the same batch.

    When a field fails, graphql-core cancels the pending futures of its sibling fields. That must not cancel
    the batch, because other callers are still waiting for it. If the batch fails after all of its callers
    were cancelled, nobody needs its exception.
    """
    batch = ensure_future(shared)
    private = shield(batch)
    for future in (batch, private):
        future.add_done_callback(_retrieve_exception)
    return private


def _retrieve_exception(future: Future[Value]) -> None:
    """Retrieves a future's exception, so that asyncio doesn't log it if nobody awaits the future any more."""
    if not future.cancelled():
        future.exception()


def _signature(function: Callable[..., Awaitable[Value]], *, has_parent: bool) -> Signature:
    """Returns the function's signature without the parents and the context, for Strawberry to read."""
    arguments = [
        # Unlike None, UNSET doesn't appear in the schema as a default value.
        p.replace(default=UNSET) if p.default is None else p
        for p in signature(function).parameters.values()
        if p.kind is Parameter.KEYWORD_ONLY
    ]
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    parent = [Parameter("root", Parameter.POSITIONAL_OR_KEYWORD)] if has_parent else []
    return Signature([*parent, info, *arguments])


def _loader(ctx: Context, function: LevelFunction, arguments: Arguments) -> DataLoader[Parent, Value]:
    """Returns the request's DataLoader for a function and its arguments. Creates it if necessary."""
    key = (function, identity(arguments))
    if (loader := ctx.levels.get(key)) is None:

        async def load(parents: list[Parent]) -> Sequence[Value]:
            return await function(parents, ctx, **arguments)

        loader = ctx.levels[key] = DataLoader(load, cache_map=_IdentityCache())
    return loader


def identity(arguments: Arguments) -> Hashable:
    """Returns a hashable key for these arguments. Keys are equal if and only if the arguments are.

    Strings are left unchanged, because Python caches the hash of a string. A string that is passed to many
    calls is therefore hashed only once.
    """
    return tuple([(name, _hashable(arguments[name])) for name in sorted(arguments)])


def _hashable(value: Value) -> Hashable:
    if isinstance(value, list | tuple):
        return (list, *map(_hashable, value))
    if isinstance(value, dict):
        return (dict, *((name, _hashable(member)) for name, member in value.items()))
    if is_dataclass(value):
        return (type(value), *(_hashable(getattr(value, field.name)) for field in fields(value)))
    return (type(value), value)  # includes the type, because True, 1 and 1.0 are equal


class _IdentityCache(AbstractCache[Parent, Value]):
    """A DataLoader's cache. It finds a parent by its id(), because documents are not hashable.

    Each entry also keeps a reference to the parent, because Python can reuse the id() of an object that has
    been freed.
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
