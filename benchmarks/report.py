"""What a benchmark tells: Markdown tables, and JSON files under benchmarks/results."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

_RESULTS = Path(__file__).with_name("results")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, texts: int = 1) -> str:
    """A Markdown table. The first columns, `texts` of them, are words; the others are numbers."""
    rule = [":--"] * texts + ["--:"] * (len(head) - texts)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def keep(name: str, content: Any) -> Path:
    """Writes what was measured, for whoever wants to see more than the medians."""
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"{name}.json"
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
