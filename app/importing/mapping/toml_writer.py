"""Writes a mapping as TOML, so that users can edit a guessed mapping."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.importing.importable_fields import TARGETS
from app.importing.mapping.definition import Condition, FieldMapping, ImportMapping, Selection


def as_toml(mapping: ImportMapping, source: str, unused: Sequence[str]) -> str:
    """Returns a mapping as the text of a TOML file.

    unused: the columns that are not imported. They are listed in a comment at the end, with the reasons
    that are known.
    """
    lines = [f"collection = {_toml(mapping.collection)}", f"source = {_toml(source)}"]
    lines += [f"encoding = {_toml(mapping.encoding)}"] if mapping.encoding else []
    lines += [f"rows = {_toml(mapping.rows)}"] if mapping.rows else []
    lines += ["header = false"] if mapping.header is False else []
    lines += ['repeated = "first"'] if mapping.repeated == "first" else []
    if mapping.where:
        lines += ["", "[where]", *map(_condition, mapping.where)]
    lines += ["", "[fields]"]
    for name, field_mapping in mapping.fields.items():
        lines += _field(name, field_mapping, TARGETS[mapping.collection][name].normaliser)
    if unused:
        lines += ["", "# Columns that are not imported:"]
        lines += [f"# {_reasoned(column, mapping.left_out)}" for column in unused]
    return "\n".join(lines) + "\n"


def _field(name: str, field_mapping: FieldMapping, usual: str) -> Iterator[str]:
    """Yields the lines for a field: comments that say what was assumed, then the field itself."""
    yield from (f"# assumed: {_one_line(words)}" for words in field_mapping.assumed.values())
    table = _selection(field_mapping.selection)
    if field_mapping.normaliser != usual:
        table["as"] = field_mapping.normaliser
    for option, value in field_mapping.options.items():
        table[option] = _selection(value) if isinstance(value, Selection) else value
    if field_mapping.invalid != "reject":
        table["invalid"] = field_mapping.invalid
    if field_mapping.default is not None:
        table["default"] = field_mapping.default
    yield f"{name} = {_toml(table['column'] if list(table) == ['column'] else table)}"


def _selection(selection: Selection) -> dict[str, Any]:
    columns = list(selection.columns)
    value = {"column": columns[:1], "value": selection.value}.get(selection.kind, columns)
    table: dict[str, Any] = {selection.kind: value[0] if selection.kind == "column" else value}
    if selection.kind == "join":
        table["with"] = selection.separator
        table |= {"skip_empty": True} if selection.skip_empty else {}
    if not selection.usual_sentinels:
        table["sentinels"] = False
    elif selection.sentinels:
        table["sentinels"] = sorted(selection.sentinels)
    if selection.lookup is not None:
        table["lookup"] = dict(selection.lookup)
    return table


def _condition(condition: Condition) -> str:
    values = sorted(condition.values)
    return f"{_key(condition.column)} = {_toml({'not': values} if condition.excluded else values)}"


def _reasoned(column: str, reasons: Mapping[str, str]) -> str:
    return _one_line(f"{column} ({reasons[column]})" if column in reasons else column)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(str(key))} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    return key if bare else _toml(key)
