"""Alertmanager with the example's configuration: an alert on a cause silences the alerts on its effects."""

from collections.abc import Iterator

import httpx
import pytest

from tests.monitoring.prometheus import require_tools
from tests.monitoring.test_rules import ALERTMANAGER
from tests.server.processes import until
from tests.storm.processes import free_ports, start

EFFECTS = {
    "MongoDBAway": {
        "AvailabilityBudgetBurnsFast",
        "LatencyBudgetBurnsFast",
        "CollectionSlow",
        "Overloaded",
        "BudgetsUnchecked",
    },
    "NoGatewayServing": {"AvailabilityBudgetBurnsFast", "LatencyBudgetBurnsSlowly", "GatewayDown"},
    "AvailabilityBudgetBurnsFast": {"AvailabilityBudgetBurnsSlowly"},
    "LatencyBudgetBurnsFast": {"LatencyBudgetBurnsSlowly"},
    "Overloaded": {"AdmissionSlow"},
}


@pytest.fixture
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a running Alertmanager without alerts."""
    require_tools()
    directory = tmp_path_factory.mktemp("alertmanager")
    (port,) = free_ports(1)
    command = [
        "prometheus-alertmanager", f"--config.file={ALERTMANAGER}", f"--storage.path={directory}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    process = start(command, directory / "log")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v2/") as client:
        until(lambda: _answers(client))
        yield client
    process.kill()
    process.wait()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("status").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("cause", EFFECTS)
def test_a_cause_silences_its_effects_and_nothing_else(alerts: httpx.Client, cause: str) -> None:
    names = {cause, "IndexesMissing", *EFFECTS[cause]}
    alerts.post("alerts", json=[{"labels": {"alertname": name, "instance": "a"}} for name in names])
    until(lambda: len(alerts.get("alerts").json()) == len(names))
    until(lambda: _silenced(alerts) == EFFECTS[cause])


def _silenced(alerts: httpx.Client) -> set[str]:
    listed = alerts.get("alerts").json()
    return {alert["labels"]["alertname"] for alert in listed if alert["status"]["inhibitedBy"]}
