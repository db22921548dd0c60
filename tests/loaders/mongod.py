"""A mongod of the test's own: to block its commands, to stop it and to look into it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo import MongoClient

from app import embedded
from app.settings import Settings
from tests.storm.storm import settings_of

NAME = "own"


class Mongod(NamedTuple):
    uri: str
    client: MongoClient[dict[str, Any]]
    pid: int

    def settings(self, **changes: Any) -> Settings:
        return settings_of(self.uri, NAME).model_copy(update=changes)

    @contextmanager
    def blocking(self, *commands: str, seconds: float, times: int | None = None) -> Iterator[None]:
        """Commands take so long, of whatever client of ours."""
        self.client.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": times} if times else "alwaysOn",
                "data": {
                    "failCommands": list(commands), "blockConnection": True,
                    "blockTimeMS": round(seconds * 1000), "appName": "lectern",
                },
            }
        )  # fmt: skip
        try:
            yield
        finally:
            self.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It answers nothing, and its connections stay."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def in_flight(self) -> list[dict[str, Any]]:
        """The commands of ours that run, but for the gateway's look for stale transactions."""
        ours = {"appName": "lectern", "active": True, "command.aggregate": {"$ne": 1}}
        mine = [{"$currentOp": {"allUsers": True}}, {"$match": {**ours, "command.hello": {"$exists": False}}}]
        return list(self.client.admin.aggregate(mine))

    def open_transactions(self) -> int:
        status = self.client.admin.command("serverStatus")
        return int(status["transactions"]["currentOpen"])


@contextmanager
def running(directory: Path) -> Iterator[Mongod]:
    with embedded.running(directory) as uri, MongoClient[dict[str, Any]](uri, appname="the test") as client:
        yield Mongod(uri, client, int((directory / "data" / "mongod.lock").read_text()))


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running(tmp_path_factory.mktemp("own") / "mongod") as own:
        yield own
