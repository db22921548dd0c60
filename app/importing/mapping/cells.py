"""Gets the value of a field from the cells of a row, and looks it up if the field has a lookup table."""

from collections import Counter
from collections.abc import Callable, Mapping
from math import isnan

from app.importing.files import Cell, Cells
from app.importing.mapping.definition import SENTINELS, FieldMapping, Selection
from app.importing.values import NOBODY

Getter = Callable[[Cells], Cell]


class CellGetters:
    """Compiles selections into functions that get a value from a row.

    The functions return None for a sentinel (a string that means "no value"). counts: how often each
    sentinel has been found so far, by column and text.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        # For each column, the sentinels that are already being counted. Fields that share a column must not
        # count them twice.
        self._counted: dict[str, frozenset[str]] = {}

    def field(self, field_mapping: FieldMapping) -> Getter:
        return self.getter(field_mapping.selection, _sentinels(field_mapping))

    def getter(self, selection: Selection, sentinels: frozenset[str] = SENTINELS) -> Getter:
        """Returns a function that gets a value from a row, and looks it up if there is a lookup table."""
        get = self._select(selection, sentinels if selection.usual_sentinels else frozenset(("",)))
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

    def _select(self, selection: Selection, sentinels: frozenset[str]) -> Getter:
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
            if None in parts and not selection.skip_empty:
                return None
            return selection.join([str(part).strip() for part in parts if part is not None]) or None

        return join

    def _cell(self, column: str, sentinels: frozenset[str]) -> Getter:
        counted = sentinels - self._counted.get(column, frozenset())
        self._counted[column] = self._counted.get(column, frozenset()) | sentinels
        longest = max(map(len, sentinels))
        counts = self.counts

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
    """Returns the strings that mean "no value" for a field.

    For a country, NA means Namibia instead. For people, "TBA" and the like are sentinels too.
    """
    if field_mapping.normaliser == "country":
        return SENTINELS - {"na"}
    return SENTINELS | NOBODY if field_mapping.normaliser == "people" else SENTINELS


def _nested(values: Cells, path: str) -> Cell:
    """Returns the value at a dotted path through nested objects, such as "average.rating"."""
    value: Cell = values
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
