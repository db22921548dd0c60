"""The rules, the configurations of Prometheus and Alertmanager, and the runbooks agree with each other."""

import re
import subprocess
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from app.metrics.families import REQUEST_DURATION
from tests.monitoring.prometheus import FILES, promtool, require_tools

TESTS = Path(__file__).parent
ALERTMANAGER = FILES / "alertmanager.yml"
DOCS = FILES.parents[1] / "docs"
GUIDE = (DOCS / "monitoring.md").read_text()
#: The windows over which the error rates are recorded.
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")

Yaml: TypeAlias = Any  # a part of a YAML file

RULES: list[Yaml] = [
    rule for group in yaml.safe_load((FILES / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


@pytest.mark.parametrize("name", ["rules.test.yml", "rules.days.test.yml"])
def test_each_alert_fires_when_it_should(name: str) -> None:
    require_tools()
    checked = promtool("test", "rules", TESTS / name)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_configurations_are_valid() -> None:
    require_tools()
    checked = promtool("check", "config", FILES / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert f"SUCCESS: {len(RULES)} rules found" in checked.stdout
    alertmanager = ["amtool", "check-config", str(ALERTMANAGER)]
    assert subprocess.run(alertmanager, capture_output=True).returncode == 0


def test_each_alert_has_a_unit_test_before_during_and_after() -> None:
    expected: dict[str, list[bool]] = {name: [] for name in ALERTS}
    for name in ("rules.test.yml", "rules.days.test.yml"):
        for case in yaml.safe_load((TESTS / name).read_text())["tests"]:
            for check in case.get("alert_rule_test", []):
                expected[check["alertname"]].append(bool(check["exp_alerts"]))
    for name, fires in expected.items():
        assert re.search("010", "".join(str(int(fired)) for fired in fires)), name


def test_each_alert_has_a_severity_and_texts_in_plain_sentences() -> None:
    for name, alert in ALERTS.items():
        assert alert["labels"]["severity"] in {"page", "ticket"}, name
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}, name
        for text in ("summary", "description"):
            assert re.fullmatch(r"[A-Z{].*\.", alert["annotations"][text]), name


def test_each_alert_has_a_section_in_the_runbooks() -> None:
    sections = re.findall(r"^## (\w+)$", (DOCS / "runbooks.md").read_text(), re.MULTILINE)
    assert sections == list(ALERTS)
    for name, alert in ALERTS.items():
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"


def test_each_section_of_the_runbooks_says_the_same_things() -> None:
    _, *sections = re.split(r"^## ", (DOCS / "runbooks.md").read_text(), flags=re.MULTILINE)
    for section in sections:
        headings = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
        assert headings == ["What it means.", "What users see.", "How to find the cause.", "What to do."], (
            section
        )


def test_the_lines_of_the_log_in_the_runbooks_exist() -> None:
    code = "\n".join(path.read_text() for path in (FILES.parents[1] / "app").rglob("*.py"))
    pages = (DOCS / "runbooks.md").read_text() + GUIDE
    lines = set(re.findall(r'\.event == "(.+?)"', pages)) - {"request"}
    for pattern in re.findall(r'\.event \| test\("(.+?)"\)', pages):
        lines.update(pattern.removeprefix("^").split("|"))
    assert len(lines) > 8
    assert [line for line in lines if line not in code] == []


def test_the_rules_select_the_job_that_prometheus_scrapes() -> None:
    (job,) = yaml.safe_load((FILES / "prometheus.yml").read_text())["scrape_configs"]
    selected = {name for rule in RULES for name in re.findall(r'job="(\w+)"', rule["expr"])}
    assert selected == {job["job_name"]}


def test_the_guide_lists_each_alert_with_its_severity() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks\.md#(\w+)\) \| (\w+) \|", GUIDE, re.MULTILINE)
    assert rows == [(name, name.lower(), alert["labels"]["severity"]) for name, alert in ALERTS.items()]


def test_the_guide_names_the_objectives_and_the_bounds_of_the_histogram() -> None:
    budgets = {
        rule["labels"]["slo"]: rule["expr"]
        for rule in RULES
        if rule.get("record") == "lectern:slo_budget:ratio"
    }
    objectives = dict(re.findall(r"^\| (availability|latency) \|.*\| ([\d.]+) %", GUIDE, re.MULTILINE))
    assert budgets == {slo: f"1 - {float(percent) / 100:g}" for slo, percent in objectives.items()}
    (bounds,) = re.findall(r"another bound of the histogram: (.+?)\.\s", GUIDE, re.DOTALL)
    assert tuple(map(float, re.findall(r"[\d.]+", bounds))) == REQUEST_DURATION.buckets


def test_the_windows_differ_in_nothing_but_their_lengths() -> None:
    """The rules for each window are copies, because Prometheus has no macros."""
    recorded = {
        window: [
            (
                rule["record"].removesuffix(window),
                rule.get("labels"),
                re.sub(rf"\b{window}\b|(?<=rate){window}", "W", rule["expr"]),
            )
            for rule in RULES
            if re.search(rf"rate{window}$", rule.get("record", ""))
        ]
        for window in WINDOWS
    }
    assert len(recorded["5m"]) == 4
    assert all(rules == recorded["5m"] for rules in recorded.values())


def test_pages_and_tickets_go_to_different_receivers() -> None:
    require_tools()
    for severity, receiver in (("page", "pager"), ("ticket", "tickets")):
        routes = [
            "amtool",
            "config",
            "routes",
            "test",
            f"--config.file={ALERTMANAGER}",
            f"severity={severity}",
        ]
        assert subprocess.run(routes, capture_output=True, text=True).stdout.strip() == receiver


def test_inhibitions_name_alerts_that_exist() -> None:
    rules = yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]
    patterns = [
        pattern
        for rule in rules
        for matcher in rule["source_matchers"] + rule["target_matchers"]
        for pattern in re.findall(r'"(.+)"', matcher)
    ]
    for pattern in patterns:
        for alternative in re.sub(r"\((.+?)\)(\w+)\.\*", r"\1\2.*", pattern).split("|"):
            assert any(re.match(alternative, name) for name in ALERTS), alternative
