"""A gateway of two workers has what the dashboard, the rules and the docs ask its metrics and its log for."""

import os
import re
import subprocess
from math import isnan
from pathlib import Path

import httpx
import pytest

from tests.monitoring.dashboard import DASHBOARD, filled_in, metrics, panels, queries
from tests.monitoring.gateway import MonitoredGateway
from tests.monitoring.prometheus import Prometheus
from tests.monitoring.test_rules import ALERTS, DOCS, RULES

pytestmark = pytest.mark.alone


def test_a_gateway_of_two_workers_has_data_for_all_of_it(
    monitored: tuple[MonitoredGateway, Prometheus],
) -> None:
    """One test, because its gateway and its Prometheus take long to start."""
    gateway, prometheus = monitored
    assert not _unknown_metrics(_exported(gateway))
    _check_bucket_bounds(prometheus)
    _check_variables(prometheus)
    lacking = [
        expr for panel in panels() for legend, expr in queries(panel) if _lacks(prometheus, expr, legend)
    ]
    assert lacking == []
    rules = prometheus.rules()
    assert {rule["name"] for rule in rules} >= ALERTS.keys()
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []


def _exported(gateway: MonitoredGateway) -> set[str]:
    """Returns the names of the metrics that a gateway exports."""
    text = httpx.get(f"http://{gateway.admin}/metrics").text
    return set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))


def _unknown_metrics(exported: set[str]) -> set[str]:
    """Returns the metrics of the dashboard and the rules that a gateway doesn't export."""
    used = {name for panel in panels() for _, expr in queries(panel) for name in metrics(expr)}
    used |= {name for rule in RULES for name in metrics(rule["expr"])}
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    return used - recorded - exported - {"up"}


def _check_bucket_bounds(prometheus: Prometheus) -> None:
    """The rules' bound of the latency is that of a bucket."""
    (bound,) = {bound for rule in RULES for bound in re.findall(r'le=~"(.+?)"', rule["expr"])}
    assert prometheus.samples(f'http_server_request_duration_seconds_bucket{{le=~"{bound}"}}'), bound


def _check_variables(prometheus: Prometheus) -> None:
    for variable in DASHBOARD["templating"]["list"][1:]:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        assert match
        samples = prometheus.samples(filled_in(match[1]))
        assert samples
        assert all(match[2] in labels for labels, _ in samples)


def _lacks(prometheus: Prometheus, expr: str, legend: str) -> bool:
    """Whether a query has no number as its result, or has no label that its legend shows."""
    samples = prometheus.samples(expr)
    labels = {label for metric, _ in samples for label in metric}
    has_numbers = any(not isnan(value) for _, value in samples)
    return not has_numbers or not labels.issuperset(re.findall(r"{{(\w+)}}", legend))


def test_the_queries_and_recipes_of_the_docs_work(
    monitored: tuple[MonitoredGateway, Prometheus], tmp_path: Path
) -> None:
    gateway, prometheus = monitored
    exported = _exported(gateway)
    for page in ("runbooks.md", "monitoring.md"):
        for query in _blocks(page, "promql"):
            assert metrics(query) <= exported | {"up"}, query
            prometheus.samples(query)
    (tmp_path / "lectern.log").write_text(gateway.output)
    hour, slowest, sender, phases, plan, failed = [b for b in _blocks("monitoring.md", "sh") if "jq" in b]
    _run(hour, tmp_path)
    rows = [row.split("\t") for row in _run(slowest, tmp_path).splitlines()]
    (reviews,) = [code for name, code, *_ in rows if name == "Reviews"]
    assert {tuple(line.split()[1:]) for line in _run(sender, tmp_path, reviews).splitlines()} == {
        ("unnamed", "-", "public"), ("web", "1.4.2", "public"),
    }  # fmt: skip
    assert '"commands": 3' in _run(phases, tmp_path, reviews)
    assert "Course.reviews for 5 parents" in _run(plan, tmp_path, reviews)
    assert "OPERATION_TOO_LARGE" in _run(failed, tmp_path)
    for recipe in _blocks("runbooks.md", "sh"):
        _run(recipe, tmp_path)


def _blocks(page: str, language: str) -> list[str]:
    """Returns the code blocks of a page in a language."""
    blocks = rf"^ *```{language}\n(.*?)^ *```"
    return re.findall(blocks, (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def _run(recipe: str, directory: Path, code: str = "") -> str:
    """Runs a recipe for the log. code: the hash of an operation."""
    environment = os.environ | {"HASH": code}
    command = ["bash", "-o", "pipefail", "-c", recipe]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), recipe
    return done.stdout
