"""A gateway's metrics as a Prometheus scraped them, and which alerts they would have fired, by promtool.

The rules are those of deploy/monitoring/rules.yml, unchanged, but a recording is played back more slowly. A
scrape stands for one of a Prometheus that scrapes every 15 seconds, however quickly the scrapes followed. A
recording of ten seconds with two scrapes a second is played back as five minutes, so an alert that needs five
minutes needs ten seconds of recording. Rates are lower by the same factor. Ratios and durations are the same.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.monitoring.prometheus import FILES, Prometheus, promtool

_STEP = 15  # seconds between two scrapes in the playback
_Series: TypeAlias = dict[str, Any]  # of promtool's tests


@dataclass(frozen=True)
class Recording:
    """series: in the form of promtool's unit tests. steps: the number of scrapes."""

    series: list[_Series]
    steps: int

    @classmethod
    def of(cls, prometheus: Prometheus, began: float, ended: float, interval: float) -> "Recording":
        """Takes what was scraped between two points in time. interval: the seconds between two scrapes."""
        steps = round((ended - began) / interval)
        # ALERTS are those of the Prometheus that recorded.
        recorded = prometheus.points('{job="lectern", alertname=""}', ended, ended - began)
        series = [
            {"series": _written(labels), "values": _values(points, began, interval, steps)}
            for labels, points in recorded
        ]
        return cls(series, steps)

    def fired(self, directory: Path, first: int, last: int) -> set[str]:
        """Returns the alerts that fire between two scrapes. directory: for promtool's file.

        promtool expects that none fires, and its complaint names those that do.
        """
        seconds = (last - first) * _STEP
        expr = f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{seconds}s]))'
        check = {"expr": expr, "eval_time": f"{last * _STEP}s", "exp_samples": []}
        case = {"interval": f"{_STEP}s", "input_series": self.series, "promql_expr_test": [check]}
        file = directory / "recording.test.json"  # JSON is YAML
        file.write_text(
            json.dumps(
                {
                    "rule_files": [str(FILES / "rules.yml")],
                    "evaluation_interval": f"{_STEP}s",
                    "tests": [case],
                }
            )
        )
        checked = promtool("test", "rules", file)
        names = set(re.findall(r'alertname=\\?"(\w+)\\?"', checked.stdout + checked.stderr))
        assert names or checked.returncode == 0, checked.stdout + checked.stderr
        return names


def _written(labels: dict[str, str]) -> str:
    name = labels.pop("__name__")
    return f"{name}{{{', '.join(f'{key}={json.dumps(value)}' for key, value in labels.items())}}}"


def _values(points: list[tuple[float, str]], began: float, interval: float, steps: int) -> str:
    """Returns the value at each step; `_` where there is none, and `stale` where the series ends."""
    values = ["_"] * (steps + 1)
    for at, value in points:
        values[min(max(round((at - began) / interval), 0), steps)] = value
    last = max((step for step, value in enumerate(values) if value != "_"), default=steps)
    if last < steps - 1:
        values[last + 1] = "stale"
    return " ".join(_notation(value) for value in values)


def _notation(value: str) -> str:
    """promtool reads numbers without exponents."""
    return value if value in {"_", "stale"} else f"{float(value):.9f}".rstrip("0").rstrip(".")
