"""A mongod of the test's own: to block its commands, to stop it and to look into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.settings import Settings
from loaders.mongo.stale_transactions import APP_NAME
from tests.hostile import mongod
from tests.storm.storm import settings_of

NAME = "own"


class Mongod(mongod.Mongod):
    """client: the test's, which no failure hits."""

    @property
    def client(self) -> Any:
        return self._client

    def settings(self, **changes: Any) -> Settings:
        return settings_of(self.uri, NAME).model_copy(update=changes)

    @contextmanager
    def blocking(self, *commands: str, seconds: float, times: int | None = None) -> Iterator[None]:
        """Commands of ours take so long meanwhile; those that run at the end are ended."""
        held = {"failCommands": commands, "blockConnection": True, "blockTimeMS": round(seconds * 1e3)}
        with self.failing(times, **held):
            yield

    @contextmanager
    def failing(self, times: int | None = None, **data: Any) -> Iterator[None]:
        mode = {"times": times} if times else "alwaysOn"
        self._fail(mode=mode, data={**data, "appName": APP_NAME})
        try:
            yield
        finally:
            for operation in self.in_flight():
                self._client.admin.command("killOp", op=operation["opid"])
            self._fail(mode="off")

    def in_flight(self) -> list[dict[str, Any]]:
        """The reads and writes of ours."""
        return [o for o in self.running(NAME) if o.get("appName") == APP_NAME]

    def open_transactions(self) -> int:
        return int(self._client.admin.command("serverStatus")["transactions"]["currentOpen"])


@pytest.fixture(scope="module")
def own_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    own = Mongod(tmp_path_factory.mktemp("own"))
    try:
        own.start()
        yield own
    finally:
        own.close()
