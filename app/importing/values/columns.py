"""How the cells of one column are read: options of a normaliser that are decided from all of the column's
sample.

What a single cell leaves open (a unit, a scale, a decimal mark, the order of day and month), the other cells
of its column may settle. What nothing settles is assumed or left open, and the user is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Options = Mapping[str, Any]  # options of a normaliser, by name; their types depend on the normaliser


@dataclass(frozen=True)
class Column:
    """The sample of a column: its name, folded (see folded), and its values, without nulls and sentinels."""

    name: str
    cells: Sequence[object]

    def words(self) -> list[str]:
        return self.name.split()


@dataclass(frozen=True)
class Decision:
    """The options that were decided for a column, beside those that were given.

    assumed: what has no evidence in the column, by option, in words, for example {"unit": "days"}.
    notes: what contradicts itself in the column.
    """

    options: Options = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def __or__(self, other: "Decision") -> "Decision":
        assumed = dict(self.assumed)
        for option, words in other.assumed.items():
            assumed[option] = "; ".join(filter(None, (assumed.get(option), words)))
        return Decision({**self.options, **other.options}, assumed, [*self.notes, *other.notes])


#: Decides the options of a normaliser that are not given.
Decide = Callable[[Column, Options], Decision]

NOTHING = Decision()
