"""What an import tells: the table of its mapping before, the closing table after."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.importing.files import Source
from app.importing.importer import Reject, Tally
from app.importing.mapping import FieldMapping, ImportMapping, Selection
from app.importing.records import Recorder, RowError

Sample = Sequence[Mapping[str, Any]]

_WIDTH = 30  # of an example


def show_mapping(
    console: Console, source: Source, mapping: ImportMapping, external: str, *, guessed: bool
) -> None:
    """Column → field, normaliser, and an example in → out; and the columns that are left out."""
    how = "guessed" if guessed else "as mapped"
    title = (
        f"{source.name} → {mapping.collection} of “{external}”, {how} ({source.format}, {source.encoding})"
    )
    rows = [_mapping_row(name, made, mapping, source.sample) for name, made in mapping.fields.items()]
    _table(console, title, ("column", "field", "normaliser", "example", "becomes"), rows)
    used = {column for made in mapping.fields.values() for column in _columns(made)}
    if unused := [
        column for column in source.columns if column not in used and column.split(".")[0] not in used
    ]:
        why = mapping.left_out
        named = [f"{column} ({why[column]})" if column in why else column for column in unused]
        console.print(f"not imported: {', '.join(named)}", markup=False, highlight=False, soft_wrap=True)
    if source.skipped:
        console.print(f"skipped above the header: {len(source.skipped)} lines", markup=False, highlight=False)


def show_closing(console: Console, tally: Tally, seconds: float) -> None:
    """Read, created, updated, unchanged, rejected; then what was turned to null, by column."""
    kinds = tally.kinds
    counts = [("read", tally.read), *((kind, kinds[kind]) for kind in ("created", "updated", "unchanged"))]
    counts += [("duplicate", kinds["duplicate"])] if kinds["duplicate"] else []
    counts += [("rejected", kinds["rejected"])]
    if tally.aggregates is not None:
        counts += [("aggregates updated", tally.aggregates)]
    rows = [(name, f"{number:,}") for name, number in counts]
    rows += [(f"note: {note}", f"{number:,}") for note, number in sorted(tally.notes.items())]
    rows += [
        (f"not readable, null: {what}", f"{n:,} (e.g. {', '.join(tally.turned.examples[what])})")
        for what, n in sorted(tally.turned.invalid.items())
    ]
    dry = "" if tally.aggregates is not None else "; nothing was written, this is what would be done"
    _table(console, f"{tally.read:,} rows in {seconds:.1f} s{dry}", ("rows", "count"), rows, right=(1,))
    if tally.turned.sentinels:
        turned = [
            (column, _quoted(text), f"{n:,}") for (column, text), n in sorted(tally.turned.sentinels.items())
        ]
        _table(console, "turned to null", ("column", "sentinel", "count"), turned, right=(2,))


def show_rejects(console: Console, first: Sequence[Reject], count: int, path: Path | None) -> None:
    for reject in first:
        line = "" if reject.line is None else f" (line {reject.line})"
        console.print(
            f"row {reject.number}{line}: {reject.reason}", markup=False, highlight=False, soft_wrap=True
        )
    if path and not count:
        console.print("no row was rejected", markup=False, highlight=False)
    elif path:
        console.print(f"all {count:,} rejected rows: {path}", markup=False, highlight=False, soft_wrap=True)
    elif count:
        console.print("--rejects FILE writes all of them, with their rows", markup=False, highlight=False)


def _table(
    console: Console,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[int] = (),
) -> None:
    """A table on a terminal; elsewhere a plain line a row, never wrapped."""
    if not console.is_terminal:
        _lines(console, title, list(rows))
        return
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    table = Table()
    for place, name in enumerate(header):
        table.add_column(name, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console.print(table)


def _lines(console: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        console.print(f"  {'  '.join(cells).rstrip()}", markup=False, highlight=False, soft_wrap=True)


def _mapping_row(name: str, made: FieldMapping, mapping: ImportMapping, sample: Sample) -> Sequence[str]:
    example, becomes = _example(name, made, mapping, sample)
    return _source_of(made.selection), name, _normaliser_of(made), example, becomes


def _example(name: str, made: FieldMapping, mapping: ImportMapping, sample: Sample) -> tuple[str, str]:
    """The first row of the sample that has a value."""
    recorder = Recorder(ImportMapping(mapping.collection, {name: made}))
    for values in sample:
        try:
            value = recorder.record(values)[name]
        except RowError as error:
            if "no value" in str(error):
                continue
            return _cells(made, values), f"rejected: {error}"
        if value is not None:
            return _cells(made, values), _shown(value)
    return "", "null in all of the sample"


def _cells(made: FieldMapping, values: Mapping[str, Any]) -> str:
    cells = [str(values[c]) for c in _columns(made) if values.get(c) is not None]
    return _cut(" + ".join(cells) or str(made.selection.value))


def _columns(made: FieldMapping) -> list[str]:
    selections = [made.selection, *(o for o in made.options.values() if isinstance(o, Selection))]
    return list(dict.fromkeys(column for selection in selections for column in selection.columns))


def _source_of(selection: Selection) -> str:
    mark = {"join": f" {selection.separator} ", "first": " or ", "collect": " and "}.get(selection.kind, "")
    return mark.join(selection.columns) or "(constant)"


def _normaliser_of(made: FieldMapping) -> str:
    shown = [f"{k} {_source_of(v) if isinstance(v, Selection) else v}" for k, v in made.options.items()]
    return f"{made.normaliser} ({', '.join(shown)})" if shown else made.normaliser


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return _cut(", ".join(map(str, value)))
    if isinstance(value, dict):
        return _cut(", ".join(f"{k} {v}" for k, v in value.items()))
    return _cut(value.isoformat() if hasattr(value, "isoformat") else str(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "(empty)"
