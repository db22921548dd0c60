"""Writes a mapping as TOML, so that users can edit a guessed mapping."""

from collections.abc import Iterator, Sequence

from app.importing.importable_fields import TARGETS
from app.importing.mapping.definition import Condition, FieldMapping, ImportMapping
from app.importing.mapping.suggestions import column_line, missing_lines
from app.importing.mapping.toml_values import field_line, key, toml


def as_toml(mapping: ImportMapping, source: str, columns: Sequence[str], unused: Sequence[str]) -> str:
    """Returns a mapping as the text of a TOML file.

    columns: all columns of the file. unused: the columns that are not imported. They are listed in a comment
    at the end, with the reasons that are known. A required field that the mapping lacks is commented out.
    """
    lines = [f"collection = {toml(mapping.collection)}", f"source = {toml(source)}"]
    lines += [f"encoding = {toml(mapping.encoding)}"] if mapping.encoding else []
    lines += [f"rows = {toml(mapping.rows)}"] if mapping.rows else []
    lines += ["header = false"] if mapping.header is False else []
    lines += ['repeated = "first"'] if mapping.repeated == "first" else []
    if mapping.where:
        lines += ["", "[where]", *map(_condition, mapping.where)]
    lines += ["", "[fields]", *_missing(mapping, columns)]
    for name, field_mapping in mapping.fields.items():
        lines += _field(name, field_mapping, TARGETS[mapping.collection][name].normaliser)
    if unused:
        lines += ["", "# Columns that are not imported:"]
        lines += [line for column in unused for line in _left_out(column, mapping)]
    return "\n".join(lines) + "\n"


def _field(name: str, field_mapping: FieldMapping, usual: str) -> Iterator[str]:
    """Yields the lines for a field: comments that say what was assumed, then the field itself."""
    yield from (f"# assumed: {_one_line(words)}" for words in field_mapping.assumed.values())
    yield field_line(name, field_mapping, usual)


def _condition(condition: Condition) -> str:
    values = sorted(condition.values)
    return f"{key(condition.column)} = {toml({'not': values} if condition.excluded else values)}"


def _left_out(column: str, mapping: ImportMapping) -> Iterator[str]:
    """Yields comments about an unused column: its name, the reason, and a line that imports it."""
    reason = mapping.left_out.get(column)
    yield _one_line(f"# {column} ({reason.text})" if reason else f"# {column}")
    if reason and reason.field and reason.field not in mapping.fields:
        yield f"# {column_line(mapping.collection, reason.field, column, reason.text)}"


def _missing(mapping: ImportMapping, columns: Sequence[str]) -> Iterator[str]:
    """Yields a commented-out line for each required field that the mapping lacks."""
    for line in missing_lines(mapping.collection, mapping.fields, columns, mapping.left_out):
        yield "# Required, but no column was recognised. Enter the column, and remove the # before the line:"
        yield f"# {line}"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
