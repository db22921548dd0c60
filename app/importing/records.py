"""Turns rows into records. The mapping is compiled into one function per field."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from app.importing.files import Cell, Cells
from app.importing.importable_fields import TARGETS, Fields, Target
from app.importing.mapping import SENTINELS, FieldMapping, ImportMapping, Selection
from app.importing.values import NORMALISERS

_Normalised = Any  # the value of a field, whose type depends on the normaliser
_Getter = Callable[[Cells], Cell]

_EXAMPLES = 2


class RowError(Exception):
    """A row can't be imported. The message gives the reason."""


@dataclass
class NullCounts:
    """Counts the values replaced with null: sentinels, and invalid values that the mapping doesn't reject.

    A sentinel is a string that means "no value", such as "n/a". sentinels: counts by column and text.
    invalid: counts by error message. examples: for each message, some of the invalid values, in quotes.
    """

    sentinels: Counter[tuple[str, str]]
    invalid: Counter[str]
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add_invalid(self, message: str, value: Cell) -> None:
        """Counts an invalid value. The first two distinct values are stored as examples."""
        self.invalid[message] += 1
        examples = self.examples.setdefault(message, [])
        if len(examples) < _EXAMPLES and (example := quoted(value)) not in examples:
            examples.append(example)


class Recorder:
    """Turns rows into records, which contain the normalised fields defined by a mapping."""

    def __init__(self, mapping: ImportMapping) -> None:
        self.null_counts = NullCounts(Counter(), Counter())
        # For each column, the sentinels (strings that mean "no value") that are already being counted. Fields
        # that share a column must not count them twice.
        self._counted: dict[str, frozenset[str]] = {}
        self._fields = [
            (name, self._field_function(name, field_mapping, TARGETS[mapping.collection][name]))
            for name, field_mapping in mapping.fields.items()
        ]

    def record(self, values: Cells) -> Fields:
        """Converts a row to normalised values, keyed by field name.

        Raises RowError if a required field is empty or a value is invalid.
        """
        return {name: function(values) for name, function in self._fields}

    def _field_function(
        self, name: str, field_mapping: FieldMapping, target: Target
    ) -> Callable[[Cells], _Normalised]:
        get = self._getter(field_mapping.selection, _sentinels(field_mapping))
        normalise = self._normaliser(field_mapping)
        columns = " and ".join(field_mapping.selection.columns) or "its constant"

        def field_of(values: Cells) -> _Normalised:
            value = get(values)
            if value is None:
                value = field_mapping.default
            if value is None:
                if target.required:
                    raise RowError(f"{name}: no value in {columns}")
                return None
            try:
                result = normalise(value, values)
                if target.choices and result not in target.choices:
                    raise ValueError(f"is not one of {', '.join(target.choices)}")
            except ValueError as error:
                if field_mapping.invalid == "reject":
                    raise RowError(f"{name}: {quoted(value)} {error}") from None
                self.null_counts.add_invalid(f"{name}: {error}", value)
                return None
            return result

        return field_of

    def _normaliser(self, field_mapping: FieldMapping) -> Callable[[Cell, Cells], _Normalised]:
        function = NORMALISERS[field_mapping.normaliser]
        options = dict(field_mapping.options)
        if not options:
            return lambda value, _: function(value)
        from_row = {k: self._getter(v, SENTINELS) for k, v in options.items() if isinstance(v, Selection)}
        constant = {k: v for k, v in options.items() if k not in from_row}

        def normalise(value: Cell, values: Cells) -> _Normalised:
            row_options = {}
            for option, get in from_row.items():
                if (option_value := get(values)) is None:
                    raise ValueError(f"has no value for the option “{option}”")
                row_options[option] = option_value
            return function(value, **constant, **row_options)

        return normalise

    def _getter(self, selection: Selection, sentinels: frozenset[str]) -> _Getter:
        """Returns a function that gets a value from a row, and looks it up if there is a lookup table.

        The function returns None for a sentinel, that is, a string that means "no value".
        """
        get = self._select(selection, sentinels)
        lookup = selection.lookup
        if lookup is None:
            return get

        def look_up(values: Cells) -> Cell:
            value = get(values)
            if value is None:
                return None
            key = str(value).strip() if not isinstance(value, bool) else str(value).lower()
            found = lookup.get(key, value)
            return None if found == "" else found

        return look_up

    def _select(self, selection: Selection, sentinels: frozenset[str]) -> _Getter:
        if selection.kind == "value":
            return lambda _: selection.value
        cells = [self._cell(column, sentinels | selection.sentinels) for column in selection.columns]
        if selection.kind == "column":
            return cells[0]
        if selection.kind == "first":
            return lambda values: next((v for cell in cells if (v := cell(values)) is not None), None)
        if selection.kind == "collect":
            return lambda values: [v for cell in cells if (v := cell(values)) is not None] or None

        def join(values: Cells) -> str | None:
            parts = [cell(values) for cell in cells]
            return None if None in parts else selection.separator.join(str(p).strip() for p in parts)

        return join

    def _cell(self, column: str, sentinels: frozenset[str]) -> _Getter:
        counted = sentinels - self._counted.get(column, frozenset())
        self._counted[column] = self._counted.get(column, frozenset()) | sentinels
        longest = max(map(len, sentinels))
        counts = self.null_counts.sentinels

        def cell(values: Cells) -> Cell:
            value = values.get(column)
            if value is None:
                value = _nested(values, column) if "." in column else None
            if isinstance(value, str):
                if len(value) <= longest + 2 or value.isspace():
                    trimmed = value.strip()
                    if (folded := trimmed.casefold()) in sentinels:
                        if folded in counted:
                            counts[column, trimmed] += 1
                        return None
            elif isinstance(value, float) and isnan(value):
                if "nan" in counted:
                    counts[column, "NaN"] += 1
                return None
            return value

        return cell


def _sentinels(field_mapping: FieldMapping) -> frozenset[str]:
    """Returns the strings that mean "no value" for a field. For a country, NA means Namibia instead."""
    return SENTINELS - {"na"} if field_mapping.normaliser == "country" else SENTINELS


def _nested(values: Cells, path: str) -> Cell:
    """Returns the value at a dotted path through nested objects, such as "average.rating"."""
    value: Cell = values
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def quoted(value: Cell) -> str:
    """Returns a value in quotes, truncated to 60 characters."""
    text = str(value)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"
