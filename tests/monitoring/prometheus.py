"""A Prometheus of the test's own, which scrapes a gateway's admin port, and promtool."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any, TypeAlias

import httpx

from tests.storm.processes import free_ports, start
from tests.support import missing

FILES = Path(__file__).parents[2] / "deploy" / "monitoring"
TOOLS = ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "jq")
_WAIT_SECONDS = 60.0

Json: TypeAlias = Any  # an answer of Prometheus' API
#: One series of an instant query's result: its labels and its value.
Sample: TypeAlias = tuple[Mapping[str, str], float]


def require_tools() -> None:
    """Skips the test if a tool isn't installed; fails it in CI."""
    absent = [tool for tool in TOOLS if not which(tool)]
    if absent or not which("setpriv"):
        missing(f"{absent} not installed (Debian: apt-get install prometheus prometheus-alertmanager jq)")


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=300)


class Prometheus:
    """A running Prometheus that scrapes targets as the job "lectern"."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=30)

    def samples(self, expr: str) -> list[Sample]:
        """Returns the result of an instant query now."""
        data = self._get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def points(self, selector: str, end: float, seconds: float) -> Iterator[tuple[dict[str, str], Json]]:
        """Yields the labels of each series, and its samples as scraped: pairs of a time and a text."""
        data = self._get("query", query=f"{selector}[{round(seconds * 1000)}ms]", time=f"{end:.3f}")
        for series in data["result"]:
            yield series["metric"], series["values"]

    def rules(self) -> list[Json]:
        """Returns all rules that Prometheus has loaded."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def wait_until(self, expr: str, seconds: float = _WAIT_SECONDS) -> None:
        """Waits until a query has a result. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        while not self._has_result(expr):
            assert time.monotonic() < deadline, f"Prometheus has nothing for {expr}"
            time.sleep(0.1)

    def _has_result(self, expr: str) -> bool:
        try:
            return bool(self.samples(expr))
        except httpx.HTTPError:  # it is starting
            return False

    def _get(self, path: str, **parameters: str) -> Json:
        response = self._http.get(path, params=parameters)
        response.raise_for_status()
        return response.json()["data"]

    def close(self) -> None:
        self._http.close()


@contextmanager
def scraping(directory: Path, *targets: str, interval: float = 1.0) -> Iterator[Prometheus]:
    """Runs a Prometheus with Lectern's rules, and waits for the first scrape.

    targets: the addresses of admin ports. interval: the seconds between scrapes, and between evaluations.
    """
    (port,) = free_ports(1)
    every = f"{round(interval * 1000)}ms"
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(FILES / "rules.yml")],
        "scrape_configs": [{"job_name": "lectern", "static_configs": [{"targets": list(targets)}]}],
    }
    (directory / "prometheus.json").write_text(json.dumps(config))  # JSON is YAML
    process = start(_command(directory, port), directory / "prometheus.log")
    prometheus = Prometheus(port)
    try:
        prometheus.wait_until('up{job="lectern"} == 1')
        yield prometheus
    finally:
        prometheus.close()
        process.kill()
        process.wait()


def _command(directory: Path, port: int) -> Sequence[str | Path]:
    return [
        "prometheus", f"--config.file={directory / 'prometheus.json'}",
        f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]  # fmt: skip
