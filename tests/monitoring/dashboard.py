"""The Grafana dashboard as Prometheus sees it: its panels, and their queries with the variables filled in."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from tests.monitoring.prometheus import FILES

Json: TypeAlias = Any  # a part of the dashboard

DASHBOARD: Json = json.loads((FILES / "dashboard.json").read_text())
#: What Grafana would put in the place of its variables.
_VALUES = {"job": "lectern", "instance": ".*", "__rate_interval": "10s", "__range": "10s"}


def panels() -> list[Json]:
    """Returns the panels with queries."""
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries(panel: Json) -> Iterator[tuple[str, str]]:
    """Yields the legend and the expression of each query of a panel."""
    for target in panel["targets"]:
        yield target["legendFormat"], filled_in(target["expr"])


def filled_in(expr: str) -> str:
    return re.sub(r"\$(\w+)", lambda variable: _VALUES[variable[1]], expr)


def metrics(expr: str) -> set[str]:
    """Returns the names of the metrics in an expression of the dashboard or of the rules."""
    without_labels = re.sub(r"\{[^}]*\}|\b(?:by|on|group_left) \([^)]*\)", " ", expr)
    return set(re.findall(r"\b(?:lectern[_:]|http_|db_|process_|up\b)[\w:]*", without_labels))
