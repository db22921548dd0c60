"""A database whose commands go through a hook, which can delay them, make them fail or change the answer."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from loaders.mongo.database import Database

#: Takes the collection, the command, and a function that sends it and returns its answer. Returns an answer.
Hook: TypeAlias = Callable[[str, str, Callable[[], Awaitable[Any]]], Awaitable[Any]]

_WITH_CURSOR = {"find", "aggregate"}
_WITHOUT = {"count_documents", "estimated_document_count", "find_one"}


def hooked(database: Database, hook: Hook) -> Database:
    return cast("Database", _Hooked(database, hook, "the database"))


class _Hooked:
    """A database or a collection."""

    def __init__(self, target: Any, hook: Hook, name: str) -> None:
        self._target, self._hook, self._name = target, hook, name

    def __getitem__(self, name: str) -> "_Hooked":
        return _Hooked(self._target[name], self._hook, name)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name == "database":
            return _Hooked(value, self._hook, self._name)
        if name in _WITH_CURSOR:
            return lambda *args, **options: _Cursor(
                lambda: value(*args, **options), self._hook, self._name, name
            )
        if name in _WITHOUT:
            return lambda *args, **options: self._hook(self._name, name, lambda: value(*args, **options))
        return value


class _Cursor:
    """A cursor. It is opened when its command is sent: PyMongo's `aggregate` is a coroutine function."""

    def __init__(self, open_: Callable[[], Any], hook: Hook, collection: str, command: str) -> None:
        self._open, self._hook, self._of = open_, hook, (collection, command)

    async def to_list(self, length: int | None) -> Any:
        return await self._hook(*self._of, lambda: self._rows(length))

    async def _rows(self, length: int | None) -> Any:
        opened = self._open()
        cursor = await opened if isawaitable(opened) else opened
        return await cursor.to_list(length)
