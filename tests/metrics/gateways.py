"""Real gateways with an admin port, and what their metrics say."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.settings import Settings
from tests.http.requests import NO_TLS
from tests.server.processes import LECTERN, Process, until
from tests.storm.gateways import environment
from tests.storm.processes import free_ports

REQUESTS = "http_server_request_duration_seconds_count"

OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


class Gateway:
    """A `lectern serve` process. admin: the URL of its admin port."""

    def __init__(self, process: Process, admin: str) -> None:
        self.process, self.admin = process, admin
        self.url = f"http://127.0.0.1:{process.port}"

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers. The admin process is the child that has been started first."""
        return self.process.workers[1:]

    def query(self, text: str = "query Q { courses { totalCount } }", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(f"{self.url}/graphql", json={"query": text}, headers=named, verify=NO_TLS)

    def page(self, path: str = "/metrics", headers: Mapping[str, str] | None = None) -> httpx.Response:
        return httpx.get(self.admin + path, headers=headers, timeout=20, verify=NO_TLS)

    def value(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        return sum_of(self.page().text, name, **labels)


def sum_of(text: str, name: str, **labels: str) -> float:
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@contextmanager
def serving(
    settings: Settings, log: Path, variables: Mapping[str, str] = {}, workers: int = 2
) -> Iterator[Gateway]:
    """Runs a gateway, and waits until it can answer."""
    (port,) = free_ports(1)
    process_environment = {**environment(settings), "LECTERN_ADMIN_PORT": str(port), **variables}
    process = Process([*LECTERN, "0", "--workers", str(workers)], log, process_environment)
    try:
        gateway = Gateway(process, f"http://127.0.0.1:{port}")
        processes = workers + (process_environment["LECTERN_ADMIN_PORT"] != "0")  # the admin process, too
        until(lambda: process.output.count("Application startup complete") >= processes)
        yield gateway
    finally:
        process.kill()
