"""A mongod of the test's own, whose commands can be blocked, and which can be stopped and inspected."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest
from motor.frameworks import asyncio as asyncio_framework

from app.settings import Settings
from loaders.mongo import Document, DriverObject, Option
from loaders.mongo.transactions.stale_transactions import APP_NAME
from tests.hostile import mongod
from tests.storm.storm import settings_of

NAME = "own"


class Mongod(mongod.Mongod):
    """A mongod with failures for the gateway's commands. client: the test's own; its commands never fail."""

    @property
    def client(self) -> DriverObject:
        return self._client

    def settings(self, **changes: object) -> Settings:
        return settings_of(self.uri, NAME).model_copy(update=changes)

    @contextmanager
    def blocking(self, *commands: str, seconds: float, times: int | None = None) -> Iterator[None]:
        """Makes commands of the gateway take `seconds`; kills those that still run at the end."""
        block = {"failCommands": commands, "blockConnection": True, "blockTimeMS": round(seconds * 1e3)}
        with self.failing(times, **block):
            yield

    @contextmanager
    def failing(self, times: int | None = None, **data: Option) -> Iterator[None]:
        """Makes commands of the gateway fail, `times` times or always. data: of MongoDB's failCommand."""
        mode = {"times": times} if times else "alwaysOn"
        self._fail(mode=mode, data={**data, "appName": APP_NAME})
        try:
            yield
        finally:
            for operation in self.in_flight():
                self._client.admin.command("killOp", op=operation["opid"])
            self._fail(mode="off")

    def in_flight(self) -> list[Document]:
        """The gateway's reads and writes that are running."""
        return [o for o in self.running(NAME) if o.get("appName") == APP_NAME]

    def open_transactions(self) -> int:
        return int(self._client.admin.command("serverStatus")["transactions"]["currentOpen"])


@contextmanager
def no_threads_for_the_driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes Motor's commands fail that bypass the queue, as if the system allowed no more threads.

    PyMongo's own driver needs no threads for them.
    """
    start = Thread.start

    def refuse(thread: Thread) -> None:
        if thread.name.startswith("motor"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched, ThreadPoolExecutor(thread_name_prefix="motor") as empty:
        patched.setattr(asyncio_framework, "_EXECUTOR", empty)
        patched.setattr(Thread, "start", refuse)
        yield


@pytest.fixture(scope="module")
def own_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    own = Mongod(tmp_path_factory.mktemp("own"))
    try:
        own.start()
        yield own
    finally:
        own.close()
