"""Motor and PyMongo give the same answers to writes, with the same commands, and store the same documents.

Listeners are notified of exactly these commands, down to the commit.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import pytest
from bson import ObjectId

from app.database import connect
from app.execution import Operation, Prepared
from app.settings import Settings
from loaders import indexes
from loaders.mongo import CommandSent, Database, Scope, current_scope
from loaders.mongo.detached import detached_work_done
from resolvers.context import Viewer
from tests.execution.engines import executor
from tests.permissions.world import Dump, dump, restore
from tests.support import MongoCommands, request_for
from tests.writes.scenes import NAMES, scenes
from tests.writes.support import Json, Value, operation

COMPILED = executor(compiled=True)
DRIVERS = ("motor", "pymongo")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Driver:
    """A database of its own, through one driver, with the commands that were sent."""

    database: Database
    commands: MongoCommands

    async def write(self, name: str, viewer: Viewer, input: Mapping[str, Value]) -> tuple[Json, list[str]]:
        """Runs a mutation. Returns its payload and its commands, in their order."""
        self.commands.sent.clear()
        prepared = COMPILED.prepare(Operation(operation(name), {"input": dict(input)}))
        assert isinstance(prepared, Prepared)
        observed: list[CommandSent] = []
        token = current_scope.set(Scope(monotonic() + 60, on_command=observed.append))
        try:
            answer = await COMPILED.run(prepared, request_for(self.database, viewer))
        finally:
            current_scope.reset(token)
        await detached_work_done()
        sent = list(self.commands.sent)
        assert [command.kind for command in observed] == [command.split()[0] for command in sent]
        return answer.payload, sent


@pytest.fixture(scope="module")
async def drivers(settings: Settings) -> AsyncIterator[list[Driver]]:
    async with AsyncExitStack() as stack:
        found = []
        for name in DRIVERS:
            values = {"mongodb_driver": name, "mongodb_database": f"{settings.mongodb_database}_{name}"}
            commands = MongoCommands()
            database = await stack.enter_async_context(connect(settings.model_copy(update=values), commands))
            await indexes.ensure(database)
            found.append(Driver(database, commands))
        yield found
        for driver in found:
            await driver.database.client.drop_database(driver.database.driver.name)


@pytest.mark.parametrize("name", NAMES)
async def test_the_drivers_agree(drivers: list[Driver], name: str) -> None:
    """A write, its retry with the same key, and the same write with another key, which may be refused."""
    motor, pymongo = drivers
    await restore(motor.database, {})
    viewer, values = (await scenes(motor.database))[name]
    before = await dump(motor.database)
    await restore(pymongo.database, before)

    for key in (values["idempotencyKey"],) * 2 + ("another key",):
        given = {**values, "idempotencyKey": key}
        (answer, sent), (same, as_many) = [await driver.write(name, viewer, given) for driver in drivers]
        assert _without_new(answer, []) == _without_new(same, [])
        assert sent == as_many
    known = {document["_id"] for documents in before.values() for document in documents}
    stored = [await dump(driver.database) for driver in drivers]
    assert _anonymous(stored[0], known) == _anonymous(stored[1], known)


def _anonymous(stored: Dump, known: set[Any]) -> Any:
    ids = [document["_id"] for documents in stored.values() for document in documents]
    return _without_new(stored, [own for own in ids if isinstance(own, ObjectId) and own not in known])


def _without_new(value: Any, new: list[ObjectId]) -> Any:
    """Replaces what differs between two runs: global IDs, IDs of new documents and of erasures, and times."""
    if isinstance(value, Mapping):
        differing = ("id", "clearedBy")
        return {key: "ID" if key in differing else _without_new(item, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_new(item, new) for item in value]
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value)):
        return "time"
    if isinstance(value, bytes):
        return value.hex() if not any(new_id.binary in value for new_id in new) else "with a new ID"
    if isinstance(value, str | ObjectId):
        return "new ID" if any(str(new_id) in str(value) for new_id in new) else value
    return value
