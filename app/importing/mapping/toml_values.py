"""Writes the values and the fields of a mapping as TOML."""

import json
from collections.abc import Mapping
from typing import Any
from unicodedata import category

from app.importing.mapping.definition import FieldMapping, Selection


def field_line(name: str, field_mapping: FieldMapping, usual: str) -> str:
    """Returns the line for a field. usual: the field's default normaliser, which needs no `as`."""
    table = _selection(field_mapping.selection)
    if field_mapping.normaliser != usual:
        table["as"] = field_mapping.normaliser
    for option, value in field_mapping.options.items():
        table[option] = _selection(value) if isinstance(value, Selection) else value
    if field_mapping.invalid != "reject":
        table["invalid"] = field_mapping.invalid
    if field_mapping.default is not None:
        table["default"] = field_mapping.default
    return f"{name} = {toml(table['column'] if list(table) == ['column'] else table)}"


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


def toml(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key(str(name))} = {toml(item)}' for name, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(character: str) -> str:
    """Escapes a character that a terminal would interpret or hide. TOML can't represent a lone surrogate."""
    kind = category(character)
    if kind == "Cs":
        return "\ufffd"
    return f"\\U{ord(character):08x}" if kind in ("Cc", "Cf", "Zl", "Zp") else character


def key(name: str) -> str:
    bare = name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if bare else toml(name)
