"""The dashboard is valid. test_gateway.py runs its queries."""

import re
from itertools import combinations

import pytest

from tests.monitoring.dashboard import DASHBOARD, Json, metrics, panels, queries

#: Grafana's units that the dashboard uses.
UNITS = {"reqps", "ops", "s", "bytes", "percentunit", "short"}
#: What each unit measures, by the last word of a metric's name.
MEASURED = {"s": "seconds", "bytes": "bytes"}


def names(panel: Json) -> str:
    return f"{panel['id']} {panel['title']}"


def test_panels_have_ids_titles_and_places_of_their_own() -> None:
    all_panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in all_panels}) == len(all_panels)
    assert len({panel["title"] for panel in all_panels}) == len(all_panels)
    for one, other in combinations(all_panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = (
            a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        )  # fmt: skip
        assert apart, (names(one), names(other))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in all_panels)


@pytest.mark.parametrize("panel", panels(), ids=names)
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) > 0
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    unit = panel["fieldConfig"]["defaults"]["unit"]
    assert unit in UNITS
    for _, expr in queries(panel):
        if "histogram_quantile" in expr and panel["type"] == "timeseries":
            assert all(MEASURED[unit] in name for name in metrics(expr)), names(panel)


def test_queries_select_by_the_variables() -> None:
    """All but the recording rules, which are about all gateways."""
    for panel in panels():
        for target in panel["targets"]:
            for selector in re.findall(r"[\w:]+\{[^}]*\}", target["expr"]):
                is_recorded = selector.startswith("lectern:")
                assert is_recorded or 'job="$job", instance=~"$instance"' in selector, selector
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query", "instance": "query"}
