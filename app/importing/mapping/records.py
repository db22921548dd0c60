"""Turns rows into records. The mapping is compiled into one function per field."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.importing.files import Cell, Cells
from app.importing.importable_fields import TARGETS, Fields, Target
from app.importing.mapping.cells import CellGetters, Getter
from app.importing.mapping.definition import FieldMapping, ImportMapping, Selection
from app.importing.values import NORMALISERS

_Normalised = Any  # the value of a field; its type depends on the normaliser

_EXAMPLES = 2


class RowError(Exception):
    """Raised if a row can't be imported. The message gives the reason."""


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
        self._where = mapping.where
        self._getters = CellGetters()
        self.null_counts = NullCounts(self._getters.counts, Counter())
        self._fields = [
            (name, self._field_function(name, field_mapping, TARGETS[mapping.collection][name]))
            for name, field_mapping in mapping.fields.items()
        ]

    def refusal(self, values: Cells) -> str | None:
        """Returns why the mapping leaves a row out, such as "role is “teacher”", or None if it is kept."""
        for condition in self._where:
            if not condition.accepts(values):
                return f"{condition.column} is {quoted(values.get(condition.column) or '')}"
        return None

    def record(self, values: Cells) -> Fields:
        """Converts a row to normalised values, keyed by field name.

        Raises RowError if a required field is empty, or if the mapping rejects an invalid value.
        """
        return {name: function(values) for name, function in self._fields}

    def _field_function(
        self, name: str, field_mapping: FieldMapping, target: Target
    ) -> Callable[[Cells], _Normalised]:
        get: Getter = self._getters.field(field_mapping)
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
        function = NORMALISERS[field_mapping.normaliser].read
        options = dict(field_mapping.options)
        if not options:
            return lambda value, _: function(value)
        omissible = NORMALISERS[field_mapping.normaliser].omissible
        from_row = {k: self._getters.getter(v) for k, v in options.items() if isinstance(v, Selection)}
        constant = {k: v for k, v in options.items() if k not in from_row}

        def normalise(value: Cell, values: Cells) -> _Normalised:
            row_options = {}
            for option, get in from_row.items():
                if (option_value := get(values)) is not None:
                    row_options[option] = option_value
                elif option not in omissible:
                    raise ValueError(f"has no value for the option “{option}”")
            return function(value, **constant, **row_options)

        return normalise


def quoted(value: Cell) -> str:
    """Returns a value in quotes, truncated to 60 characters."""
    text = str(value)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"
