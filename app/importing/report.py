"""Prints the output of an import: the mapping at the start, and a table of counts at the end."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.importing.files import Cells, Source
from app.importing.header import is_recognised
from app.importing.importable_fields import Importable
from app.importing.importer import Reject, Tally
from app.importing.mapping import (
    SENTINELS,
    FieldMapping,
    ImportMapping,
    Recorder,
    RowError,
    Selection,
    column_line,
)
from app.importing.plurals import counted
from app.terminal import printable
from loaders.codes import minor_units

Sample = Sequence[Cells]

_EXAMPLE_WIDTH = 30  # maximum length of an example, in characters


def show_mapping(
    console: Console, source: Source, mapping: ImportMapping, external: str, *, guessed: bool
) -> None:
    """Prints the mapping as a table, then the columns that are not imported.

    Each row has the column, the field, the normaliser, and an example of its values, both as
    written in the file and as stored.

    external: the `source` field of the documents' external IDs.
    """
    origin = "guessed" if guessed else "as mapped"
    title = f"{source.name} → {mapping.collection} of “{external}”, {origin} ({_described(source)})"
    rows = [
        _mapping_row(name, field_mapping, mapping, source.sample)
        for name, field_mapping in mapping.fields.items()
    ]
    _table(console, title, ("column", "field", "normaliser", "example", "becomes"), rows, named=True)
    for line in _not_imported(source, mapping, guessed=guessed):
        _print(console, line)
    if source.skipped:
        _print(console, f"skipped above the header: {counted(len(source.skipped), 'line')}")


def show_closing(
    console: Console,
    source: Source,
    tally: Tally,
    seconds: float,
    mapping: ImportMapping | None,
    origin: tuple[str, str],
) -> None:
    """Prints the number of rows by outcome, what was assumed, and the strings that were replaced with null.

    origin: the source of the external ids, and where it was specified, such as "the mapping".
    """
    kinds, nulls = tally.kinds, tally.null_counts
    counts = [("read", tally.read), *((kind, kinds[kind]) for kind in ("created", "updated", "unchanged"))]
    counts += [("duplicate", kinds["duplicate"])] if kinds["duplicate"] else []
    counts += [("rejected", kinds["rejected"])]
    counts += [("blank", tally.blank)] if tally.blank else []
    if tally.aggregates is not None:
        counts += [("aggregates updated", tally.aggregates)]
    rows = [(name, f"{number:,}") for name, number in counts]
    rows += [(f"left out: {reason}", f"{number:,}") for reason, number in sorted(tally.left_out.items())]
    rows += [
        (f"note: {note}", _with_example(n, tally.examples.get(note)))
        for note, n in sorted(tally.notes.items())
    ]
    rows += [
        (f"unreadable, set to null: {message}", _with_example(n, ", ".join(nulls.examples[message])))
        for message, n in sorted(nulls.invalid.items())
    ]
    title = f"{counted(tally.read, 'row')} in {seconds:.1f} s"
    if tally.aggregates is None:
        title += "; dry run: nothing was written, this is what an import would do"
    _table(console, title, ("result", "number"), rows, right=(1,))
    if mapping:
        _print(console, f"source: “{origin[0]}” ({origin[1]})")
    _print_decisions(console, source, mapping)
    if nulls.sentinels:
        sentinels = [
            (column, _quoted(text), f"{n:,}") for (column, text), n in sorted(nulls.sentinels.items())
        ]
        _table(console, "replaced with null", ("column", "text", "cells"), sentinels, right=(2,))


def show_rejects(console: Console, first: Sequence[Reject], count: int, path: Path | None) -> None:
    for reject in first:
        line = "" if reject.line is None else f" (line {reject.line})"
        _print(console, f"row {reject.number}{line}: {reject.reason}")
    if any(": there is no " in reject.reason for reject in first):
        _print(
            console,
            "courses and students come first: import them before rows that name them, with the same source",
        )
    if path and not count:
        _print(console, "no rows were rejected")
    elif path:
        _print(console, f"{counted(count, 'rejected row')}: {path}")
    elif count:
        _print(console, "use --rejects FILE to save all rejected rows")


def show_next_step(console: Console, rejected: int, *, guessed: bool) -> None:
    """Prints what to do after a dry run. rejected: the number of rows that would be rejected."""
    rest = "if this is right,"
    if rejected:
        rest = f"look at the rejected {'row' if rejected == 1 else 'rows'}; if the rest is right,"
    _print(console, f"next: {rest} run the command again without --dry-run")
    if guessed:
        _print(
            console, "otherwise: save what --print-map prints in a file, edit it, and add --map and the file"
        )


def _not_imported(source: Source, mapping: ImportMapping, *, guessed: bool) -> Iterator[str]:
    """Yields lines about the columns that are not imported, by reason."""
    unused = unused_columns(source, mapping)
    reasons: dict[str, list[str]] = {}
    for column in unused:
        if column not in mapping.left_out:
            why = _why_unused(source, mapping.collection, column) if guessed else "not in the mapping"
            reasons.setdefault(why, []).append(column)
    for why, columns in reasons.items():
        yield f"not imported ({why}): {', '.join(columns)}"
    for column in unused:
        if reason := mapping.left_out.get(column):
            yield f"not imported: {column}: {reason.text}"
            if reason.field and reason.field not in mapping.fields:
                line = column_line(mapping.collection, reason.field, column, reason.text)
                yield f"  to import it, put this into a mapping: {line}"


def _why_unused(source: Source, collection: Importable, column: str) -> str:
    """Returns why the guess uses a column for no field, although none of its values is unreadable."""
    if not is_recognised(collection, column):
        return "the name is not known"
    values = (row.get(column) for row in source.sample)
    if all(value is None or str(value).strip().casefold() in SENTINELS for value in values):
        return f"no value in the first {counted(len(source.sample), 'row')}"
    return "its field comes from another column"


def unused_columns(source: Source, mapping: ImportMapping) -> list[str]:
    """Returns the columns that are not imported, in the order of the file."""
    used = {column for field_mapping in mapping.fields.values() for column in _columns(field_mapping)}
    used |= {condition.column for condition in mapping.where}
    return [c for c in source.columns if c not in used and c.split(".")[0] not in used]


def _with_example(number: int, example: str | None) -> str:
    return f"{number:,} (e.g. {example})" if example else f"{number:,}"


def _print_decisions(console: Console, source: Source, mapping: ImportMapping | None) -> None:
    """Prints each assumption, with the option that changes it, and each contradiction in the file."""
    for line in file_notes(source):
        _print(console, line)
    are_assumed = False
    for name, field_mapping in mapping.fields.items() if mapping else ():
        lines = [f"assumed: {name}: {words} ({option})" for option, words in field_mapping.assumed.items()]
        lines += [f"note: {name}: {note}" for note in field_mapping.notes]
        are_assumed |= bool(field_mapping.assumed)
        for line in lines:
            _print(console, line)
    if are_assumed:
        _print(
            console,
            "in brackets: the option to change; without --, it is an option of the field in a mapping",
        )


def file_notes(source: Source) -> Iterator[str]:
    """Yields each assumption about the file as a whole, and notes on what can't be read in it."""
    encoding = source.encoding
    if encoding.uncertain is not None:
        yield f"assumed: the encoding is {encoding.name}, guessed from only {encoding.uncertain} (--encoding)"
    if encoding.stray:
        count = counted(encoding.stray, "byte")
        yield f"note: {count} can't be read as {encoding.name}, first in line {encoding.line:,}"
    if source.is_headless:
        yield "assumed: the table has no header (header = true in a mapping)"


def _described(source: Source) -> str:
    encoding = "" if source.format == "workbook" else source.encoding.name
    return ", ".join(filter(None, (source.format, encoding, source.part)))


def _print(console: Console, text: str) -> None:
    """Prints a line. Control characters from the file are escaped, so that the terminal doesn't obey them."""
    console.print(printable(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


def _table(
    console: Console,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[int] = (),
    *,
    named: bool = False,
) -> None:
    """Prints a table if the output is a terminal, otherwise one plain, unwrapped line per row.

    named: whether the plain lines begin with the header.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        _lines(console, title, [header, *cells] if named else cells)
        return
    _print(console, title)
    table = Table()
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # as Text, so that Rich interprets nothing in it
    console.print(table)


def _lines(console: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    _print(console, title)
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _print(console, f"  {'  '.join(cells).rstrip()}")


def _mapping_row(
    name: str, field_mapping: FieldMapping, mapping: ImportMapping, sample: Sample
) -> Sequence[str]:
    example, becomes = _example(name, field_mapping, mapping, sample)
    columns = _describe_selection(field_mapping.selection)
    return columns, name, _describe_normaliser(field_mapping), example, becomes


def _example(
    name: str, field_mapping: FieldMapping, mapping: ImportMapping, sample: Sample
) -> tuple[str, str]:
    """Returns an example of a field's value, both as written in the file and as stored.

    It is the first value that isn't null.
    """
    recorder = Recorder(ImportMapping(mapping.collection, {name: field_mapping}))
    for values in sample:
        try:
            value = recorder.record(values)[name]
        except RowError as error:
            if "no value" in str(error):
                continue
            return _show_cells(field_mapping, values), f"rejected: {error}"
        if value is not None:
            return _show_cells(field_mapping, values), _show_value(value)
    return "", "null in every sampled row"


def _show_cells(field_mapping: FieldMapping, values: Cells) -> str:
    cells = [str(values[c]) for c in _columns(field_mapping) if values.get(c) is not None]
    return _truncate(" + ".join(cells) or str(field_mapping.selection.value))


def _columns(field_mapping: FieldMapping) -> list[str]:
    options = field_mapping.options.values()
    selections = [field_mapping.selection, *(o for o in options if isinstance(o, Selection))]
    return list(dict.fromkeys(column for selection in selections for column in selection.columns))


def _describe_selection(selection: Selection) -> str:
    mark = {"join": f" {selection.separator.strip() or '+'} ", "first": " or ", "collect": " and "}.get(
        selection.kind, ""
    )
    return mark.join(selection.columns) or "(constant)"


def _describe_normaliser(field_mapping: FieldMapping) -> str:
    options = [f"{name} {_describe_option(option)}" for name, option in field_mapping.options.items()]
    return f"{field_mapping.normaliser} ({', '.join(options)})" if options else field_mapping.normaliser


def _describe_option(option: object) -> str:
    if isinstance(option, Selection):
        return _describe_selection(option)
    if isinstance(option, str) and option and not option.isalnum():
        return _quoted(option)
    return str(option).lower() if isinstance(option, bool) else str(option) or "none"


def _show_value(value: object) -> str:
    if isinstance(value, list):
        return _truncate(", ".join(map(str, value)))
    if isinstance(value, dict) and value.keys() == {"amountMinor", "currency"}:
        places = minor_units(value["currency"]) or 0
        return f"{value['amountMinor'] / 10**places:.{places}f} {value['currency']}"
    if isinstance(value, dict) and value.keys() == {"average", "count"}:
        return f"{value['average']} ({'no count' if value['count'] is None else value['count']})"
    if isinstance(value, dict):
        return _truncate(", ".join(f"{k} {v}" for k, v in value.items()))
    return _truncate(value.isoformat() if isinstance(value, datetime) else str(value))


def _truncate(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXAMPLE_WIDTH else line[: _EXAMPLE_WIDTH - 1] + "…"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "(empty)"
