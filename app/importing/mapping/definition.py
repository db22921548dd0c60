"""An import mapping: which column becomes which field, and how."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from app.importing.importable_fields import Importable
from app.importing.values import Options

Toml = Any  # a value of a TOML document, before its type is checked

#: Strings that mean "no value" unless the mapping of a field says otherwise. Case is ignored.
SENTINELS = frozenset(
    ("", "na", "n/a", "#n/a", "#ref!", "#name?", "#value!", "#div/0!", "#num!", "#null!", "null", "none",
     "nan", "undefined", "-", "--", "—")
)  # fmt: skip

SelectionKind = Literal["column", "join", "first", "collect", "value"]


class MappingError(Exception):
    """Raised if a mapping can't be used or inferred, or doesn't suit the file. The message says why.

    advice: further lines, which say what to do.
    """

    def __init__(self, message: str, advice: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(frozen=True)
class Selection:
    """Where the value of a field comes from.

    kind: one column (column), several columns joined (join), the first of several columns that has a value
    (first), a list of the values in several columns (collect), or a constant (value).
    """

    kind: SelectionKind
    columns: tuple[str, ...] = ()
    value: Toml = None
    separator: str = "-"
    sentinels: frozenset[str] = frozenset()
    lookup: Mapping[str, Toml] | None = None
    #: Whether a join skips parts without a value. If not, the joined value is null when any part is missing.
    skip_empty: bool = False
    usual_sentinels: bool = True  # whether SENTINELS mean "no value"; an empty cell always does

    def join(self, parts: Sequence[str]) -> str:
        """Joins the parts, and escapes the separator in them, so that different parts give different results.

        Nothing is escaped if the separator is empty, or if parts without a value are skipped.
        """
        mark = self.separator
        if not mark or self.skip_empty:
            return mark.join(parts)
        return mark.join(
            p.replace("\\", "\\\\").replace(mark, f"\\{mark}") if mark in p else p for p in parts
        )


@dataclass(frozen=True)
class FieldMapping:
    """How the value of one field is obtained from a row."""

    selection: Selection
    normaliser: str
    options: Options = field(default_factory=dict)
    default: Toml = None  # used instead of null, and normalised like any other value
    invalid: Literal["reject", "null"] = "reject"
    #: What was assumed about the column, keyed by the option that overrides it.
    assumed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()  # messages about contradictory values in the column


@dataclass(frozen=True)
class Condition:
    """A condition for importing a row: its value in the column is one of `values`.

    If `excluded` is set, the value must not be one of `values`, and a row without a value in the column is
    imported. `values` are in lower case.
    """

    column: str
    values: frozenset[str]
    excluded: bool = False

    def accepts(self, values: Mapping[str, Toml]) -> bool:
        return (str(values.get(self.column, "")).strip().casefold() in self.values) is not self.excluded


class LeftOut(NamedTuple):
    """Why a column isn't imported. field: the field that it looks like, if it looks like one."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class ImportMapping:
    collection: Importable
    fields: Mapping[str, FieldMapping]
    source: str | None = None
    encoding: str | None = None
    rows: str | None = None  # the path to the list of rows within a JSON object
    header: bool | None = None  # whether a table has a header; None to guess
    #: For each column that looks like a field but doesn't fit it: the reason.
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    where: Sequence[Condition] = ()  # a row that fails one of these conditions is left out
    #: What to do with a row that has the same id as an earlier row.
    repeated: Literal["reject", "first"] = "reject"


def check_columns(mapping: ImportMapping, columns: Collection[str], where: str) -> None:
    """Raises MappingError if the mapping refers to a column that is missing from the table."""
    named = [(f"where.{condition.column}", condition.column) for condition in mapping.where]
    for name, field_mapping in mapping.fields.items():
        options = field_mapping.options.values()
        selections = [field_mapping.selection, *(o for o in options if isinstance(o, Selection))]
        named += [(f"fields.{name}", column) for selection in selections for column in selection.columns]
    for key, column in named:
        if column not in columns:
            raise MappingError(f"{key}: {where} has no column “{column}”{suggestion(column, columns)}")


def with_columns(mapping: ImportMapping, names: Mapping[str, str]) -> ImportMapping:
    """Returns a mapping with some columns renamed. names: the new column names, keyed by the old names."""

    def renamed(selection: Toml) -> Toml:
        if not isinstance(selection, Selection):
            return selection
        return replace(selection, columns=tuple(names.get(c, c) for c in selection.columns))

    fields = {
        name: replace(
            field_mapping,
            selection=renamed(field_mapping.selection),
            options={option: renamed(value) for option, value in field_mapping.options.items()},
        )
        for name, field_mapping in mapping.fields.items()
    }
    where = [replace(c, column=names.get(c.column, c.column)) for c in mapping.where]
    return replace(mapping, fields=fields, where=where)


def suggestion(name: str, names: Collection[str]) -> str:
    folded = {n.casefold(): n for n in names}
    near = get_close_matches(name.casefold(), folded, 3, 0.5)
    if near:
        return f"; did you mean {' or '.join(f'“{folded[n]}”' for n in near)}?"
    return f"; available: {', '.join(list(names)[:30])}" if names else ""
