"""How a field of a type gets its value. A field that is none of these is a key of the document.

Every kind of field may declare a `weight`: how many values it counts for in the price of an operation
(app/execution/cost.py), each time it is in the answer. A leaf is one value by itself, an object none.
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

#: What a level or root function takes beside parents and context.
Arguments: TypeAlias = Mapping[str, Any]

_graphql_name = lru_cache(maxsize=1_000)(to_camel_case)


def stored(document: Mapping[str, Any], name: str) -> Any:
    """The value of a plain field: stored under its GraphQL name."""
    return document.get(_graphql_name(name))


def plain(description: str, *, weight: int | None = None) -> Any:
    """A field that is stored under its name."""
    return strawberry.field(description=description, metadata=_sized(weight))


def computed(
    function: Callable[[Any], Any],
    *,
    description: str,
    reads: Sequence[str] = (),
    weight: int | None = None,
    most: int | None = None,
) -> Any:
    """A field that is a function of the document, without the database.

    reads: the stored keys that the function looks at, beside `_id`. most: as of `level`.
    """

    def resolve(root: Any) -> Any:
        return function(root)

    metadata = {"computed": function, "reads": reads, **_sized(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def listed(name: str, most: int, description: str) -> Any:
    """A field that is a list, stored under its name. most: what is beyond is left out."""

    def first(root: Any) -> Any:
        found = root.get(name)
        return found if found is None or len(found) <= most else found[:most]

    return computed(first, description=description, reads=[name], most=most)


def level(
    function: LevelFunction,
    *,
    description: str,
    reads: Sequence[str] = (),
    commands: int = 1,
    weight: int | None = None,
    most: int | None = None,
) -> Any:
    """A field that needs the database, written once as a batch over a level.

    function: `async (parents, ctx, *, arguments) -> one entry per parent, in order`.
    reads: the stored keys of the parents that the function looks at, beside `_id`.
    commands: how many MongoDB commands it sends, as a rule.
    most: of a list that is no page, how many elements it can have.

    Parents that are resolved one by one are collected and come to it together, once for equal arguments.
    """

    def resolve(root: Any, info: Any, **arguments: Any) -> Any:
        return _of_its_own(_loader(info.context, function, arguments).load(root))

    resolve.__signature__ = _signature(function, of_parents=True)  # type: ignore[attr-defined] # read by inspect
    metadata = {"level": function, "reads": reads, "commands": commands, **_sized(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def root(
    function: Callable[..., Awaitable[Any]],
    *,
    description: str,
    commands: int = 1,
    weight: int | None = None,
    most: int | None = None,
) -> Any:
    """A field of the query: `async (ctx, *, arguments) -> its value`. commands, most: as of `level`."""

    async def resolve(info: Any, **arguments: Any) -> Any:
        if info.operation.operation is OperationType.MUTATION:
            info.context.forget()
        return await function(info.context, **arguments)

    resolve.__signature__ = _signature(function, of_parents=False)  # type: ignore[attr-defined] # read by inspect
    metadata = {"root": function, "commands": commands, **_sized(weight, most)}
    return strawberry.field(resolver=resolve, description=description, metadata=metadata)


def _sized(weight: int | None, most: int | None = None) -> dict[str, int]:
    return {name: size for name, size in (("weight", weight), ("most", most)) if size is not None}


def _of_its_own(shared: Awaitable[Any]) -> Future[Any]:
    """A future for one place, of one that several may wait for. graphql-core cancels what is still awaited
    beside a field that fails; that would be the others' too.
    """
    own = shield(shared)
    own.add_done_callback(_seen)
    return own


def _seen(future: Future[Any]) -> None:
    """Takes note of an exception that nobody may come to ask for, or asyncio would log it."""
    if not future.cancelled():
        future.exception()


def _signature(function: Callable[..., Any], *, of_parents: bool) -> Signature:
    """What Strawberry shall see: the function's own arguments, without parents and context."""
    arguments = [
        # A default of None would be printed into the schema; one that isn't set leaves it to the function.
        p.replace(default=UNSET) if p.default is None else p
        for p in signature(function).parameters.values()
        if p.kind is Parameter.KEYWORD_ONLY
    ]
    info = Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    parent = [Parameter("root", Parameter.POSITIONAL_OR_KEYWORD)] if of_parents else []
    return Signature([*parent, info, *arguments])


def _loader(ctx: Context, function: LevelFunction, arguments: Arguments) -> DataLoader[Any, Any]:
    key = (function, identity(arguments))
    if (loader := ctx.levels.get(key)) is None:

        async def load(parents: list[Any]) -> Any:
            return await function(parents, ctx, **arguments)

        loader = ctx.levels[key] = DataLoader(load, cache_map=_ByIdentity())
    return loader


def identity(arguments: Arguments) -> Hashable:
    """What equal arguments have in common, and no others. A text stays as it is, and hashes once, however
    many calls have it.
    """
    return tuple([(name, _hashable(arguments[name])) for name in sorted(arguments)])


def _hashable(value: Any) -> Hashable:
    if isinstance(value, list | tuple):
        return (list, *map(_hashable, value))
    if isinstance(value, dict):
        return (dict, *((name, _hashable(member)) for name, member in value.items()))
    if is_dataclass(value):
        return (type(value), *(_hashable(getattr(value, field.name)) for field in fields(value)))
    return (type(value), value)  # True, 1 and 1.0 are equal


class _ByIdentity(AbstractCache[Any, Any]):
    """Futures by parent, told apart by identity: documents have no hash. The parent is kept with its future,
    because the identity of an object that is gone is given to another.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Any, Any]] = {}

    def get(self, key: Any) -> Any:
        kept = self._kept.get(id(key))
        return kept[1] if kept else None

    def set(self, key: Any, value: Any) -> None:
        self._kept[id(key)] = (key, value)

    def delete(self, key: Any) -> None:
        del self._kept[id(key)]

    def clear(self) -> None:
        self._kept.clear()
