"""Kills commands in flight whose result nobody waits for any more."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from contextlib import suppress
from contextvars import Context
from time import monotonic
from weakref import WeakKeyDictionary

import pymongo
from pymongo.errors import PyMongoError

from loaders.mongo import detached
from loaders.mongo.queue import Command

_RETRY = 0.1  # seconds until commands are killed again: one may not have reached MongoDB the first time
_SOON = 1.0  # seconds after which MongoDB should have killed a command
_LONGEST = 10.0  # seconds after which a command is left alone

_commands: WeakKeyDictionary[AbstractEventLoop, dict[Command, float]] = WeakKeyDictionary()


def add(command: Command) -> None:
    """Kills a command, together with all that are added at the same time, by one command to MongoDB."""
    commands = _commands.setdefault(get_running_loop(), {})
    if command in commands:
        return
    commands[command] = monotonic()
    if len(commands) == 1:
        # A fresh context: the command's context carries its deadline, which the driver would apply too.
        Context().run(detached.start_detached, _interrupt(commands))


async def _interrupt(commands: dict[Command, float]) -> None:
    """Kills commands over other connections than theirs, past the queue, until all have ended.

    A command that MongoDB doesn't kill soon loses its slot: its thread may be waiting for a server that is
    gone, until the operating system gives up the connection.
    """
    await sleep(0)
    while commands:
        for client in {id(command.client): command.client for command in commands}.values():
            ids = [id_ for c in commands if c.client is client and (id_ := c.session_id) is not None]
            if ids:
                with suppress(PyMongoError), pymongo.timeout(_SOON):
                    await client.admin.command("killSessions", ids)
        await sleep(_RETRY)
        for command, since in list(commands.items()):
            age = monotonic() - since
            if age >= _SOON:
                command.give_up()
            if command.session_id is None or age >= (_SOON if command.has_ended else _LONGEST):
                del commands[command]
