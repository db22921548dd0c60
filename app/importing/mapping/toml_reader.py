"""Reads a mapping from TOML, and validates it."""

import tomllib
from collections.abc import Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from typing import NoReturn, cast, get_args

from app.importing.files import SourceError, read_lookup
from app.importing.importable_fields import TARGETS, Importable
from app.importing.mapping.definition import (
    Condition,
    FieldMapping,
    ImportMapping,
    MappingError,
    Selection,
    SelectionKind,
    Toml,
    suggestion,
)
from app.importing.values import NORMALISERS, option_error
from app.importing.values import options as options_of

_SELECTORS = get_args(SelectionKind)
_SELECTION_KEYS = (*_SELECTORS, "with", "skip_empty", "sentinels", "lookup")
_FIELD_KEYS = (*_SELECTION_KEYS, "as", "default", "invalid")
_LOOKUP_FILE = {"file", "key", "value"}  # the keys of a TOML table that refers to a lookup table in a file
_TOP_KEYS = (
    "collection", "source", "encoding", "rows", "header", "sentinels", "where", "repeated", "fields",
    "lookups",
)  # fmt: skip


def load_mapping(path: Path, collection: Importable) -> ImportMapping:
    """Reads a mapping from a TOML file. Raises MappingError if it is invalid."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError(f"{path}: {error}") from None
    return _Reader(str(path), document).mapping(collection)


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
        source, encoding, rows = (
            self.typed(key, document[key], str) if key in document else None
            for key in ("source", "encoding", "rows")
        )
        header = self.boolean("header", document["header"]) if "header" in document else None
        repeated = document.get("repeated", "reject")
        if repeated not in ("reject", "first"):
            self.fail("repeated", "must be “reject” or “first”")
        return ImportMapping(
            collection,
            field_mappings,
            source,
            encoding,
            rows,
            header,
            where=self.conditions(),
            repeated=repeated,
        )

    def conditions(self) -> list[Condition]:
        """Reads `where`, which lists for each column the values of the rows to import.

        `{ not = [...] }` lists the values of the rows to leave out instead.
        """
        conditions = []
        for column, value in self.table("where", self.document.get("where", {})).items():
            key, excluded = f"where.{column}", isinstance(value, dict)
            if excluded:
                self.check_keys(key, value, ("not",))
            named = value.get("not", []) if excluded else value
            listed = [named] if isinstance(named, str) else named
            values = frozenset(v.strip().casefold() for v in self.strings(key, listed))
            conditions.append(Condition(column, values, excluded))
        return conditions

    def field(self, collection: Importable, name: str, value: Toml) -> FieldMapping:
        key = f"fields.{name}"
        table = {"column": value} if isinstance(value, str) else self.typed(key, value, dict)
        normaliser = table.get("as", TARGETS[collection][name].normaliser)
        if normaliser not in NORMALISERS:
            self.fail(
                f"{key}.as",
                f"there is no normaliser “{normaliser}”{suggestion(str(normaliser), NORMALISERS)}",
            )
        accepted = options_of(normaliser)
        self.check_keys(key, table, (*_FIELD_KEYS, *accepted))
        invalid: Toml = table.get("invalid", "reject")
        if invalid not in ("reject", "null"):
            self.fail(f"{key}.invalid", "must be “reject” or “null”")
        if invalid == "null" and TARGETS[collection][name].required:
            self.fail(f"{key}.invalid", "this field can't be null")
        options = {o: self.option(f"{key}.{o}", table[o], accepted[o]) for o in accepted if o in table}
        for option, parameter in accepted.items():
            if parameter.default is parameter.empty and option not in options:
                self.fail(key, f"the normaliser “{normaliser}” needs the option “{option}”")
        return FieldMapping(self.selection(key, table), normaliser, options, table.get("default"), invalid)

    def option(self, key: str, value: Toml, parameter: Parameter) -> Toml | Selection:
        """Reads an option of a normaliser.

        The option is either a constant, or a table that says which columns to read it from.
        """
        if not isinstance(value, dict):
            if error := option_error(parameter, value):
                self.fail(key, error)
            return value
        self.check_keys(key, value, _SELECTION_KEYS)
        return self.selection(key, value)

    def selection(self, key: str, table: Mapping[str, Toml]) -> Selection:
        kinds = [kind for kind in _SELECTORS if kind in table]
        if len(kinds) != 1:
            present = " and ".join(kinds) or "none"
            self.fail(key, f"needs exactly one of {', '.join(_SELECTORS)}; found {present}")
        kind = cast("SelectionKind", kinds[0])
        sentinels = self.strings("sentinels", self.document.get("sentinels", []))
        own = table.get("sentinels", [])
        sentinels = [] if own is False else sentinels + self.strings(f"{key}.sentinels", own)
        columns = (table[kind],) if kind == "column" else () if kind == "value" else table[kind]
        return Selection(
            kind,
            tuple(self.strings(f"{key}.{kind}", columns)),
            table.get("value"),
            self.typed(f"{key}.with", table.get("with", "-"), str),
            frozenset(s.casefold() for s in sentinels),
            self.lookup(f"{key}.lookup", table.get("lookup")),
            self.boolean(f"{key}.skip_empty", table.get("skip_empty", False)),
            own is not False,
        )

    def lookup(self, key: str, value: Toml) -> Mapping[str, Toml] | None:
        """Reads a lookup table. value: the table itself, or the name of a table under [lookups]."""
        if not isinstance(value, str):
            return None if value is None else self.table(key, value)
        tables = self.table("lookups", self.document.get("lookups", {}))
        if value not in tables:
            self.fail(key, f"there is no table [lookups.{value}]{suggestion(value, tables)}")
        table = self.table(f"lookups.{value}", tables[value])
        return self.lookup_file(f"lookups.{value}", table) if set(table) == _LOOKUP_FILE else table

    def lookup_file(self, key: str, table: Mapping[str, Toml]) -> Mapping[str, Toml]:
        """Reads a lookup table from two columns of a file, whose path is relative to the mapping's folder."""
        file, of, value = (self.typed(f"{key}.{name}", table[name], str) for name in ("file", "key", "value"))
        try:
            return read_lookup(str(Path(self.path).parent / file), of, value)
        except SourceError as error:
            self.fail(key, str(error))

    def strings(self, key: str, value: Toml) -> list[str]:
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.fail(key, "must be a list of strings")
        return list(value)

    def boolean(self, key: str, value: Toml) -> bool:
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value is True

    def table(self, key: str, value: Toml) -> Mapping[str, Toml]:
        return dict(self.typed(key, value, dict))

    def typed(self, key: str, value: Toml, kind: type) -> Toml:
        if not isinstance(value, kind):
            self.fail(key, f"must be {'a table' if kind is dict else 'a string'}")
        return value

    def check_keys(self, key: str, table: Mapping[str, Toml], allowed: Sequence[str]) -> None:
        for name in table:
            if name not in allowed:
                self.fail(f"{key}.{name}".lstrip("."), f"unknown key{suggestion(name, allowed)}")

    def fail(self, key: str, message: str) -> NoReturn:
        raise MappingError(f"{self.path}: {key}: {message}")
