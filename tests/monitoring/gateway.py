"""A gateway of two workers with an admin port."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.settings import Settings
from tests.server.processes import LECTERN, Process
from tests.storm.gateways import environment
from tests.storm.processes import free_ports


class MonitoredGateway(Process):
    """log: the file with its output, as JSON. admin: the address of its admin port."""

    def __init__(self, settings: Settings, log: Path, variables: Mapping[str, str]) -> None:
        (admin_port,) = free_ports(1)
        self.admin = f"127.0.0.1:{admin_port}"
        own = {"LECTERN_ADMIN_PORT": str(admin_port), "LECTERN_LOG_FORMAT": "json"}
        command = [*LECTERN, "0", "--workers", "2"]
        super().__init__(command, log, {**environment(settings), **own, **variables})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers; the first child of the supervisor is the admin process."""
        _, *workers = super().workers
        return workers


@contextmanager
def serving(
    settings: Settings, directory: Path, variables: Mapping[str, str] = {}
) -> Iterator[MonitoredGateway]:
    """Runs a gateway, and waits until it can answer. variables: further environment variables."""
    gateway = MonitoredGateway(settings, directory / "lectern.log", variables)
    try:
        assert gateway.port
        yield gateway
    finally:
        gateway.kill()
