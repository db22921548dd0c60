"""Types for deciding the options of a normaliser from a sample of a column.

A single cell can leave open which unit, scale, decimal mark, or order of day and month is meant, but other
cells of the column may show it. If they don't, a value is assumed or the option is left undecided, and the
import reports that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Options = Mapping[str, Any]  # options of a normaliser, by name; their types depend on the normaliser


@dataclass(frozen=True)
class Column:
    """The name of a column, as `folded` returns it, and its sampled cells without nulls and sentinels."""

    name: str
    cells: Sequence[object]

    def words(self) -> list[str]:
        return self.name.split()

    def without_long(self, longest: int) -> "Column":
        """Returns the column without the strings that have more than `longest` characters."""
        return replace(self, cells=[c for c in self.cells if not isinstance(c, str) or len(c) <= longest])


@dataclass(frozen=True)
class Decision:
    """The options that were decided for a column, in addition to the options that the mapping sets.

    assumed: what was assumed, in words, keyed by the option that overrides it: for example {"unit": "days,
    for numbers without a unit"}. notes: messages about contradictory values in the column.
    """

    options: Options = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __or__(self, other: "Decision") -> "Decision":
        assumed = dict(self.assumed)
        for option, words in other.assumed.items():
            assumed[option] = "; ".join(filter(None, (assumed.get(option), words)))
        return Decision({**self.options, **other.options}, assumed, [*self.notes, *other.notes])


#: A function that decides the options of a normaliser from a column, except options that the mapping sets.
Decide = Callable[[Column, Options], Decision]

NOTHING = Decision()
