"""Kills commands in flight if nobody is waiting for their results any more."""

from asyncio import AbstractEventLoop, get_running_loop, sleep
from contextlib import suppress
from contextvars import Context
from time import monotonic
from weakref import WeakKeyDictionary

import pymongo
from pymongo.errors import PyMongoError

from loaders.mongo import detached
from loaders.mongo.queue import Command

# Seconds between attempts to kill a command. A second attempt can be needed, because the first can reach
# MongoDB before the command does.
_RETRY = 0.1
_SOON = 1.0  # seconds after which MongoDB should have killed a command
_LONGEST = 10.0  # seconds after which no more attempts are made to kill a command

_commands: WeakKeyDictionary[AbstractEventLoop, dict[Command, float]] = WeakKeyDictionary()


def add(command: Command) -> None:
    """Queues a command to be killed. A single `killSessions` kills all queued commands of a client."""
    commands = _commands.setdefault(get_running_loop(), {})
    if command in commands:
        return
    commands[command] = monotonic()
    if len(commands) == 1:
        # The task runs in a fresh context, because otherwise the command's deadline would apply to it.
        Context().run(detached.start_detached, _interrupt(commands))


async def _interrupt(commands: dict[Command, float]) -> None:
    """Kills commands through other connections, bypassing the queue. Retries for at most _LONGEST seconds.

    If a command hasn't ended within a second, its slot is freed for another command, although a thread might
    still be waiting for the command. If the server is down, that thread waits until the operating system
    closes the connection.
    """
    await sleep(0)
    while commands:
        for client in {id(command.client): command.client for command in commands}.values():
            ids = [id_ for c in commands if c.client is client and (id_ := c.session_id) is not None]
            if ids:
                # RuntimeError: the system allows no more threads.
                with suppress(PyMongoError, RuntimeError), pymongo.timeout(_SOON):
                    await client.admin.command("killSessions", ids)
        await sleep(_RETRY)
        for command, since in list(commands.items()):
            age = monotonic() - since
            if age >= _SOON:
                command.give_up()
            if command.session_id is None or age >= (_SOON if command.has_ended else _LONGEST):
                del commands[command]
