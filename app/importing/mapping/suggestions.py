"""Lines of a mapping that a user can copy, for columns and fields that the inference can't decide."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from app.importing.importable_fields import TARGETS, Importable
from app.importing.mapping.definition import FieldMapping, LeftOut, Selection
from app.importing.mapping.identifiers import id_from
from app.importing.mapping.toml_values import field_line

#: An example value of each option that columns often lack.
_EXAMPLE_OPTIONS: Mapping[str, object] = {"currency": "EUR", "day_first": True}


def column_line(collection: Importable, field: str, column: str, reason: str) -> str:
    """Returns the line that imports a column as a field.

    reason: why the column's values don't fit. If they lack an option, the line has an example of it.
    """
    target = TARGETS[collection][field]
    options = {name: value for name, value in _EXAMPLE_OPTIONS.items() if f" {name} = " in reason}
    selection = Selection("column", (column,))
    invalid: Literal["reject", "null"] = "reject" if target.required else "null"
    mapped = FieldMapping(selection, target.normaliser, options, None, invalid)
    return field_line(field, mapped, target.normaliser)


def missing_fields(collection: Importable, fields: Iterable[str]) -> list[str]:
    """Returns the required fields that a mapping lacks. The id comes last, as others may be part of it."""
    missing = [name for name, target in TARGETS[collection].items() if target.required and name not in fields]
    return sorted(missing, key=lambda name: name == "id")


def missing_lines(
    collection: Importable,
    fields: Mapping[str, FieldMapping],
    columns: Sequence[str],
    left_out: Mapping[str, LeftOut],
) -> list[str]:
    """Returns a line for each required field that a mapping lacks, each with a column to replace.

    The column is one that looks like the field, or else one that is not imported.
    """
    if not columns:
        return []
    used = {column for field in fields.values() for column in field.selection.columns}
    chosen = {name: field.selection.columns for name, field in fields.items()}
    free = [column for column in columns if column not in used and column not in left_out]
    free = free or [column for column in columns if column not in chosen.get("id", ())] or list(columns)
    lines = []

    def choose(name: str) -> str:
        looks_like = (column for column, reason in left_out.items() if reason.field == name)
        column = next(looks_like, None) or free[0]
        if column in free and len(free) > 1:
            free.remove(column)
        chosen[name] = (column,)
        return column

    for name in missing_fields(collection, fields):
        if name == "id":
            made = id_from(collection, chosen, choose)
            lines.append(field_line("id", made, TARGETS[collection]["id"].normaliser))
        elif any(reason.field == name for reason in left_out.values()):
            column = choose(name)
            lines.append(column_line(collection, name, column, left_out[column].text))
        else:
            lines.append(field_line(name, FieldMapping(Selection("column", (choose(name),)), ""), ""))
    return lines
