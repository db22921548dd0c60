"""Commands in flight that are interrupted, because nobody waits for them any more."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from contextlib import suppress
from contextvars import Context
from time import monotonic
from weakref import WeakKeyDictionary

import pymongo
from pymongo.errors import PyMongoError

from loaders.mongo import detached
from loaders.mongo.queue import Command

_AGAIN = 0.1  # seconds; a command may not have reached MongoDB the first time
_SOON, _LONGEST = 1.0, 10.0  # seconds until MongoDB should have ended it, and until it is left alone


_commands: WeakKeyDictionary[AbstractEventLoop, dict[Command, float]] = WeakKeyDictionary()


def add(command: Command) -> None:
    """Ends a command: with all that are added at once, by one command to MongoDB."""
    commands = _commands.setdefault(get_running_loop(), {})
    if command in commands:
        return
    commands[command] = monotonic()
    if len(commands) == 1:
        # In a context of its own: that of a command has its deadline, for the driver too.
        Context().run(detached.start_detached, _interrupt(commands))


async def _interrupt(commands: dict[Command, float]) -> None:
    """By other connections than theirs, and beside the queue. A command that MongoDB doesn't end soon loses
    its slot: its thread may wait for a server that is gone until the system gives up the connection.
    """
    await sleep(0)
    while commands:
        for client in {id(command.client): command.client for command in commands}.values():
            ids = [id_ for c in commands if c.client is client and (id_ := c.session_id) is not None]
            if ids:
                with suppress(PyMongoError), pymongo.timeout(_SOON):
                    await client.admin.command("killSessions", ids)
        await sleep(_AGAIN)
        for command, since in list(commands.items()):
            age = monotonic() - since
            if age >= _SOON:
                command.give_up()
            if command.session_id is None or age >= (_SOON if command.has_ended else _LONGEST):
                del commands[command]
