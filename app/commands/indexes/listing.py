"""Formats indexes with their state, size and use: as tables, as lines and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.terminal import printable
from loaders.collections import Index
from loaders.indexes import (
    BuildProgress,
    IndexState,
    IndexUse,
    State,
    Statistics,
    written_keys,
    written_lifetime,
)
from loaders.mongo import Fields

_LABELS: Mapping[State, str] = {"renamed": "other name", "unknown": "not Lectern's"}
#: Options that are written as words. Each is true if an index has it.
_WORDS = ("unique", "sparse", "hidden")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """An index, the statistics of its collection, and the progress of the builds in the collection."""

    index: IndexState
    statistics: Statistics
    progress: BuildProgress | None

    @property
    def keys(self) -> Sequence[tuple[str, int]]:
        existing, declared = self.index.existing, self.index.declared
        return existing["key"] if existing else declared.keys if declared else ()

    @property
    def options(self) -> Fields:
        """The options under MongoDB's names: those of the existing index, or else the declared ones."""
        existing, declared = self.index.existing, self.index.declared
        if existing is None:
            return declared.options if declared else {}
        return {name: value for name, value in existing.items() if name not in {"key", "v", "ns"}}

    @property
    def size(self) -> int | None:
        return self.statistics.sizes.get(self.index.name)

    @property
    def use(self) -> IndexUse | None:
        return (self.statistics.uses or {}).get(self.index.name)

    @property
    def purpose(self) -> str:
        return self.index.declared.serves if self.index.declared else ""

    @property
    def note(self) -> str:
        """The purpose, and before it the keys if the name doesn't consist of them."""
        is_named_by_keys = self.index.name == Index(self.keys).name
        return ": ".join(
            filter(None, ["" if is_named_by_keys else f"({written_keys(self.keys)})", self.purpose])
        )

    @property
    def state(self) -> str:
        label = _LABELS.get(self.index.state, self.index.state)
        if self.index.state != "building" or not self.progress or not self.progress.total:
            return label
        return f"{label} {self.progress.done / self.progress.total:.0%}"


def show_tables(console: Console, rows: Sequence[IndexRow]) -> None:
    """Prints a table for each collection, and beneath it what to do about its indexes."""
    for collection, group in groupby(rows, lambda row: row.index.collection):
        own = list(group)
        console.print(_table(collection, own))
        for row in own:
            if row.index.what:
                console.print(str(row.index), style=_style(row.index), markup=False, highlight=False)
        console.print()
    if any(row.statistics.uses is None for row in rows):
        console.print("The use is unknown: the MongoDB user needs the role clusterMonitor to see it.")


def show_lines(rows: Sequence[IndexRow]) -> None:
    """Prints a line for each index, in aligned columns that are separated by two or more spaces."""
    cells = [(row.index.full_name, row.state, _options(row), _size(row), _use(row), row.note) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        typer.echo(
            printable(
                "  ".join(f"{cell or '-':{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            )
        )


def as_json(rows: Sequence[IndexRow]) -> str:
    return json.dumps([_json(row) for row in rows], indent=2, default=str)


def _table(collection: str, rows: Sequence[IndexRow]) -> Table:
    """Creates a table with two lines for each index, so that it fits into 80 columns."""
    table = Table(
        title=collection, title_justify="left", title_style="bold", header_style="dim", box=None,
        pad_edge=False,
    )  # fmt: skip
    table.add_column("index", overflow="fold")
    table.add_column("state")
    for right in ("MB", "uses"):
        table.add_column(right, justify="right", no_wrap=True)
    table.add_column("since", no_wrap=True)
    for row in rows:
        state = Text(row.state, _style(row.index))
        times, since = (f"{row.use.times:,}", f"{row.use.since:%Y-%m-%d}") if row.use else ("", "")
        name = Text.assemble(printable(row.index.name), ("\n  " + row.note if row.note else "", "dim"))
        if options := _options(row):
            state.append(f"\n{options}", "dim")
        table.add_row(name, state, _megabytes(row), times, since)
    return table


def _style(index: IndexState) -> str:
    if not index.what:
        return "green"
    return "yellow" if index.is_harmless or index.state == "building" else "red"


def _options(row: IndexRow) -> str:
    options = row.options
    return ", ".join(
        [
            *(word for word in _WORDS if options.get(word)),
            *(["partial"] if "partialFilterExpression" in options else []),
            *(
                [f"TTL {written_lifetime(options['expireAfterSeconds'])}"]
                if "expireAfterSeconds" in options
                else []
            ),
        ]
    )


def _megabytes(row: IndexRow) -> str:
    return "" if row.size is None else f"{row.size / 1e6:,.1f}"


def _size(row: IndexRow) -> str:
    megabytes = _megabytes(row)
    return f"{megabytes} MB" if megabytes else ""


def _use(row: IndexRow) -> str:
    return f"{row.use.times:,} uses since {row.use.since:%Y-%m-%d}" if row.use else ""


def _json(row: IndexRow) -> dict[str, object]:
    return {
        "collection": row.index.collection,
        "name": row.index.name,
        "state": row.index.state,
        "keys": dict(row.keys),
        "options": row.options,
        "bytes": row.size,
        "uses": row.use.times if row.use else None,
        "since": f"{row.use.since:%Y-%m-%dT%H:%M:%SZ}" if row.use else None,
        "serves": row.purpose or None,
        "problem": str(row.index) if row.index.what else None,
    }
