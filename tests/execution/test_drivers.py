"""Motor and PyMongo give the same answers, with the same commands, on sound data and on data with holes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.database import connect
from app.execution import Refusal
from app.settings import Settings
from loaders.mongo.database import Database
from tests.execution import sites
from tests.execution.comparison import COMPILED, asked
from tests.execution.operations import Question, questions
from tests.execution.site import Site
from tests.support import MongoCommands

OPERATIONS = 150  # operations on each database
SEED = 2  # other operations than those on which the engines are compared
DRIVERS = ("motor", "pymongo")


class Driver:
    """The database of a site through one driver, with the commands that were sent."""

    def __init__(self, database: Database, commands: MongoCommands) -> None:
        self._database, self._commands = database, commands

    async def ask(self, question: Question) -> tuple[bytes, list[Any], list[str]]:
        """Returns the data, the errors in their order, and the commands of an operation."""
        self._commands.sent.clear()
        payload = (await asked(COMPILED, self._database, question)).payload
        data, errors = orjson.dumps(payload.get("data")), payload.get("errors", [])
        return data, [_without_id(error) for error in errors], sorted(self._commands.sent)


def _without_id(error: Mapping[str, Any]) -> dict[str, Any]:
    return {**error, "extensions": {**error["extensions"], "errorId": None}}


@pytest.fixture(scope="session")
async def drivers(site: Site, settings: Settings) -> AsyncIterator[list[Driver]]:
    async with AsyncExitStack() as stack:
        found = []
        for driver in DRIVERS:
            values = {"mongodb_driver": driver, "mongodb_database": site.database.driver.name}
            commands = MongoCommands()
            database = await stack.enter_async_context(connect(settings.model_copy(update=values), commands))
            found.append(Driver(database, commands))
        yield found


@pytest.mark.parametrize("site", sites.MADE, indirect=True)
@seed(SEED)
@hypothesis_settings(max_examples=OPERATIONS, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
async def test_the_drivers_agree(site: Site, drivers: list[Driver], data: st.DataObject) -> None:
    question = data.draw(questions(site))
    if isinstance(COMPILED.prepare(question.operation), Refusal):
        return
    motor, pymongo = [await driver.ask(question) for driver in drivers]
    assert motor[:2] == pymongo[:2]
    if not motor[1]:  # an error that nulls the parent may or may not prevent the commands of its siblings
        assert motor[2] == pymongo[2]
