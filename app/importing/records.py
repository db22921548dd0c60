"""Rows to records: a mapping compiled into one function per field."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from app.importing.importable_fields import TARGETS, Target
from app.importing.mapping import SENTINELS, FieldMapping, ImportMapping, Selection
from app.importing.values import NORMALISERS

_Values = Mapping[str, Any]
_Getter = Callable[[_Values], Any]


_EXAMPLES = 2


class RowError(Exception):
    """A row can't be used; the message says why."""


@dataclass
class Turned:
    """What was turned to null: sentinels by (column, text), and bad values where the mapping allows them."""

    sentinels: Counter[tuple[str, str]]
    invalid: Counter[str]
    examples: dict[str, list[str]] = field(default_factory=dict)  # of the bad values, as they are shown

    def add(self, what: str, value: Any) -> None:
        """Count a bad value; the first two that differ are kept."""
        self.invalid[what] += 1
        examples = self.examples.setdefault(what, [])
        if len(examples) < _EXAMPLES and (example := shown(value)) not in examples:
            examples.append(example)


class Recorder:
    """Makes records of a mapping's rows. `record` gives the fields the mapping names, normalised."""

    def __init__(self, mapping: ImportMapping) -> None:
        self.turned = Turned(Counter(), Counter())
        self._counted: dict[str, frozenset[str]] = {}  # sentinels by column: each is counted once a row
        self._fields = [
            (name, self._maker(name, made, TARGETS[mapping.collection][name]))
            for name, made in mapping.fields.items()
        ]

    def record(self, values: _Values) -> dict[str, Any]:
        """Raises RowError when a required field is empty or a value can't be read."""
        return {name: make(values) for name, make in self._fields}

    def _maker(self, name: str, made: FieldMapping, target: Target) -> _Getter:
        get = self._getter(made.selection, _sentinels(made))
        normalise = self._normaliser(made)
        columns = " and ".join(made.selection.columns) or "its constant"

        def make(values: _Values) -> Any:
            value = get(values)
            if value is None:
                value = made.default
            if value is None:
                if target.required:
                    raise RowError(f"{name}: no value in {columns}")
                return None
            try:
                result = normalise(value, values)
                if target.choices and result not in target.choices:
                    raise ValueError(f"is not one of {', '.join(target.choices)}")
            except ValueError as error:
                if made.invalid == "reject":
                    raise RowError(f"{name}: {shown(value)} {error}") from None
                self.turned.add(f"{name}: {error}", value)
                return None
            return result

        return make

    def _normaliser(self, made: FieldMapping) -> Callable[[Any, _Values], Any]:
        function = NORMALISERS[made.normaliser]
        given = dict(made.options)
        if not given:
            return lambda value, _: function(value)
        of_row = {k: self._getter(v, SENTINELS) for k, v in given.items() if isinstance(v, Selection)}
        constant = {k: v for k, v in given.items() if k not in of_row}

        def normalise(value: Any, values: _Values) -> Any:
            extra = {}
            for option, get in of_row.items():
                if (extra_value := get(values)) is None:
                    raise ValueError(f"has no {option} beside it")
                extra[option] = extra_value
            return function(value, **constant, **extra)

        return normalise

    def _getter(self, selection: Selection, sentinels: frozenset[str]) -> _Getter:
        """A value of the row, or None: with sentinels told apart, and looked up."""
        get = self._select(selection, sentinels)
        lookup = selection.lookup
        if lookup is None:
            return get

        def look_up(values: _Values) -> Any:
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

        def join(values: _Values) -> str | None:
            parts = [cell(values) for cell in cells]
            return None if None in parts else selection.separator.join(str(p).strip() for p in parts)

        return join

    def _cell(self, column: str, sentinels: frozenset[str]) -> _Getter:
        counted = sentinels - self._counted.get(column, frozenset())
        self._counted[column] = self._counted.get(column, frozenset()) | sentinels
        longest = max(map(len, sentinels))
        counts = self.turned.sentinels

        def cell(values: _Values) -> Any:
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


def _sentinels(made: FieldMapping) -> frozenset[str]:
    """NA is Namibia."""
    return SENTINELS - {"na"} if made.normaliser == "country" else SENTINELS


def _nested(values: _Values, path: str) -> Any:
    """A value within objects: "average.rating"."""
    value: Any = values
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def shown(value: Any) -> str:
    """In quotes, and cut."""
    text = str(value)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"
