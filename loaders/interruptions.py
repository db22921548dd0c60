"""Commands that are ended because nobody waits for them."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import pymongo
from pymongo.errors import PyMongoError

from loaders import background

_AGAIN = 0.1  # seconds; a command may not have reached MongoDB the first time
_LONGEST = 1.0  # seconds for MongoDB to answer


class Interrupted(Protocol):
    """A command to end. client: Motor's, or PyMongo's async one. session_id: None when it has ended."""

    client: Any
    session_id: Any


_commands: WeakKeyDictionary[AbstractEventLoop, set[Interrupted]] = WeakKeyDictionary()


def add(command: Interrupted) -> None:
    """Ends a command: with all that are added at once, by one command to MongoDB."""
    commands = _commands.setdefault(get_running_loop(), set())
    commands.add(command)
    if len(commands) == 1:
        background.start(_interrupt(commands))


async def _interrupt(commands: set[Interrupted]) -> None:
    """By other connections than theirs, and beside the queue."""
    await sleep(0)
    while commands:
        for client in {id(command.client): command.client for command in commands}.values():
            ids = [c.session_id for c in commands if c.client is client and c.session_id is not None]
            if ids:
                with suppress(PyMongoError), pymongo.timeout(_LONGEST):
                    await client.admin.command("killSessions", ids)
        await sleep(_AGAIN)
        commands.difference_update([c for c in commands if c.session_id is None])
