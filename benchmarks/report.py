"""The output of benchmarks: Markdown tables, and JSON files under benchmarks/results."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import orjson

#: A decoded JSON value: nested without limit, so its type depends on the query.
Json: TypeAlias = Any

_RESULTS = Path(__file__).with_name("results")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, texts: int = 1) -> str:
    """A Markdown table. The first `texts` columns hold words, and the others numbers."""
    rule = [":--"] * texts + ["--:"] * (len(head) - texts)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def keep(name: str, content: object) -> Path:
    """Writes all measurements to a JSON file, for readers who want more than medians. Returns its path."""
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"{name}.json"
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
