"""An import mapping: which column becomes which field, and how. It is read from TOML and validated."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast, get_args

from app.importing.importable_fields import TARGETS, Importable
from app.importing.values import NORMALISERS
from app.importing.values import options as options_of

Toml = Any  # a value of a TOML document, before its type is checked

#: The options of a normaliser, by name. An option that varies by row is a Selection; others are constants.
Options = Mapping[str, Any]

#: Texts that mean "no value" in every column. They are case-insensitive.
SENTINELS = frozenset(("", "na", "n/a", "#n/a", "null", "none", "nan", "undefined", "-", "--", "—"))

SelectionKind = Literal["column", "join", "first", "collect", "value"]
_SELECTORS = get_args(SelectionKind)
_FIELD_KEYS = (*_SELECTORS, "as", "with", "sentinels", "lookup", "default", "invalid")
_TOP_KEYS = ("collection", "source", "encoding", "sentinels", "fields", "lookups")


class MappingError(Exception):
    """A mapping can't be used. The message names the file and the key, and suggests alternatives."""


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


@dataclass(frozen=True)
class FieldMapping:
    """How the value of one field is obtained from a row."""

    selection: Selection
    normaliser: str
    options: Options = field(default_factory=dict)
    default: Toml = None  # used instead of null, and normalised like any other value
    invalid: Literal["reject", "null"] = "reject"


@dataclass(frozen=True)
class ImportMapping:
    collection: Importable
    fields: Mapping[str, FieldMapping]
    source: str | None = None
    encoding: str | None = None
    left_out: Mapping[str, str] = field(
        default_factory=dict
    )  # columns that look like a field but don't fit it


def load_mapping(path: Path, collection: Importable) -> ImportMapping:
    """Reads a mapping from a TOML file. Raises MappingError if it is invalid."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: {error}") from None
    return _Reader(str(path), document).mapping(collection)


def check_columns(mapping: ImportMapping, columns: Collection[str], where: str) -> None:
    """Raises MappingError if the mapping refers to a column that a delimited file doesn't have."""
    for name, field_mapping in mapping.fields.items():
        options = field_mapping.options.values()
        selections = [field_mapping.selection, *(o for o in options if isinstance(o, Selection))]
        for column in (c for selection in selections for c in selection.columns):
            if column not in columns:
                hint = _suggestion(column, columns)
                raise MappingError(f"fields.{name}: {where} has no column “{column}”{hint}")


class _Reader:
    """Reads a mapping from a TOML document. Error messages name the file and the key."""

    def __init__(self, path: str, document: Mapping[str, Toml]) -> None:
        self.path, self.document = path, document

    def mapping(self, collection: Importable) -> ImportMapping:
        document = self.document
        self.check_keys("", document, _TOP_KEYS)
        intended = self.typed("collection", document.get("collection", collection), str)
        if intended != collection:
            self.fail("collection", f"this mapping is for {intended}, not for {collection}")
        fields = self.typed("fields", document.get("fields"), dict)
        self.check_keys("fields", fields, tuple(TARGETS[collection]))
        field_mappings = {name: self.field(collection, name, value) for name, value in fields.items()}
        for name, target in TARGETS[collection].items():
            if target.required and name not in field_mappings:
                self.fail("fields", f"“{name}” is missing: {collection} can't be imported without it")
        source, encoding = (
            self.typed(key, document[key], str) if key in document else None for key in ("source", "encoding")
        )
        return ImportMapping(collection, field_mappings, source, encoding)

    def field(self, collection: Importable, name: str, value: Toml) -> FieldMapping:
        key = f"fields.{name}"
        table = {"column": value} if isinstance(value, str) else self.typed(key, value, dict)
        normaliser = table.get("as", TARGETS[collection][name].normaliser)
        if normaliser not in NORMALISERS:
            self.fail(
                f"{key}.as",
                f"there is no normaliser “{normaliser}”{_suggestion(str(normaliser), NORMALISERS)}",
            )
        accepted = options_of(normaliser)
        self.check_keys(key, table, (*_FIELD_KEYS, *accepted))
        invalid: Toml = table.get("invalid", "reject")
        if invalid not in ("reject", "null"):
            self.fail(f"{key}.invalid", "must be “reject” or “null”")
        if invalid == "null" and TARGETS[collection][name].required:
            self.fail(f"{key}.invalid", "this field can't be null")
        options = {o: self.option(f"{key}.{o}", table[o]) for o in accepted if o in table}
        for option, parameter in accepted.items():
            if parameter.default is parameter.empty and option not in options:
                self.fail(key, f"the normaliser “{normaliser}” needs “{option}”")
        return FieldMapping(self.selection(key, table), normaliser, options, table.get("default"), invalid)

    def option(self, key: str, value: Toml) -> Toml | Selection:
        """Reads an option of a normaliser.

        The option is either a constant, or a table that says which columns to read it from.
        """
        if not isinstance(value, dict):
            return value
        self.check_keys(key, value, (*_SELECTORS, "with", "sentinels", "lookup"))
        return self.selection(key, value)

    def selection(self, key: str, table: Mapping[str, Toml]) -> Selection:
        kinds = [kind for kind in _SELECTORS if kind in table]
        if len(kinds) != 1:
            present = " and ".join(kinds) or "none"
            self.fail(key, f"needs exactly one of {', '.join(_SELECTORS)}; found {present}")
        kind = cast("SelectionKind", kinds[0])
        sentinels = self.strings("sentinels", self.document.get("sentinels", []))
        sentinels += self.strings(f"{key}.sentinels", table.get("sentinels", []))
        columns = (table[kind],) if kind == "column" else () if kind == "value" else table[kind]
        return Selection(
            kind,
            tuple(self.strings(f"{key}.{kind}", columns)),
            table.get("value"),
            self.typed(f"{key}.with", table.get("with", "-"), str),
            frozenset(s.casefold() for s in sentinels),
            self.lookup(f"{key}.lookup", table.get("lookup")),
        )

    def lookup(self, key: str, value: Toml) -> Mapping[str, Toml] | None:
        """Reads a lookup table. value: the table itself, or the name of a table under [lookups]."""
        if not isinstance(value, str):
            return None if value is None else self.table(key, value)
        tables = self.table("lookups", self.document.get("lookups", {}))
        if value not in tables:
            self.fail(key, f"there is no table [lookups.{value}]{_suggestion(value, tables)}")
        return self.table(f"lookups.{value}", tables[value])

    def strings(self, key: str, value: Toml) -> list[str]:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.fail(key, "must be a list of strings")
        return list(value)

    def table(self, key: str, value: Toml) -> Mapping[str, Toml]:
        return dict(self.typed(key, value, dict))

    def typed(self, key: str, value: Toml, kind: type) -> Toml:
        if not isinstance(value, kind):
            self.fail(key, f"must be {'a table' if kind is dict else 'a string'}")
        return value

    def check_keys(self, key: str, table: Mapping[str, Toml], allowed: Sequence[str]) -> None:
        for name in table:
            if name not in allowed:
                self.fail(f"{key}.{name}".lstrip("."), f"unknown key{_suggestion(name, allowed)}")

    def fail(self, key: str, message: str) -> None:
        raise MappingError(f"{self.path}: {key}: {message}")


def _suggestion(name: str, names: Collection[str]) -> str:
    folded = {n.casefold(): n for n in names}
    near = get_close_matches(name.casefold(), folded, 3, 0.5)
    if near:
        return f"; did you mean {' or '.join(f'“{folded[n]}”' for n in near)}?"
    return f"; available: {', '.join(list(names)[:30])}" if names else ""
