"""The gateway as a process on a fixed port, which can be killed and restarted."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from httpx import AsyncClient, TransportError

from app.settings import Settings
from tests.storm.processes import free_ports, start

LECTERN = Path(sys.executable).with_name("lectern")

_ENTRY = re.compile(r"^\d{4}-\d\d-\d\dT", re.MULTILINE)  # the start of a log entry


def environment(settings: Settings) -> dict[str, str]:
    """The environment of the command `lectern` for some settings."""
    return {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
        "LECTERN_SECRET": settings.lectern_secret.get_secret_value(),
    }


class Gateway:
    """A `lectern serve` process. log: the file with its output.

    variables: more of its environment. lectern: the command line that runs `lectern`.
    """

    def __init__(
        self,
        settings: Settings,
        log: Path,
        variables: Mapping[str, str] | None = None,
        lectern: Sequence[str | Path] = (LECTERN,),
    ) -> None:
        self.log = log
        (self.port,) = free_ports(1)
        self._environment = environment(settings) | dict(variables or {})
        self._command = [*lectern, "serve", "--port", str(self.port)]
        self._process = self._start()

    async def ready(self, seconds: float = 60) -> None:
        """Waits until it answers. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not await self.answers():
                assert self._process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    async def answers(self) -> bool:
        async with AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            try:
                return (await client.get("/healthz")).is_success
            except TransportError:
                return False

    def passage(self, error_id: str) -> str:
        """The log entry of an error, from its id on."""
        _, _, rest = self.log.read_text(errors="replace").partition(error_id)
        return _ENTRY.split(rest, 1)[0]

    def kill(self) -> None:
        """Kills it with SIGKILL, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return start(self._command, self.log, self._environment)


@contextmanager
def serving(
    settings: Settings,
    log: Path,
    variables: Mapping[str, str] | None = None,
    lectern: Sequence[str | Path] = (LECTERN,),
) -> Iterator[Gateway]:
    gateway = Gateway(settings, log, variables, lectern)
    try:
        yield gateway
    finally:
        gateway.kill()
