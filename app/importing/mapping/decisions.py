"""Decides from the first rows of a file how to read each of its columns."""

from collections.abc import Sequence
from dataclasses import replace

from app.importing.files import Cells
from app.importing.header import folded
from app.importing.mapping.cells import CellGetters
from app.importing.mapping.definition import FieldMapping, ImportMapping, Selection
from app.importing.values import NORMALISERS, Column

Sample = Sequence[Cells]


def decide(mapping: ImportMapping, sample: Sample) -> ImportMapping:
    """Returns a mapping with further options, decided from the sampled cells of each field's column."""
    fields = {name: decide_field(field_mapping, sample) for name, field_mapping in mapping.fields.items()}
    return replace(mapping, fields=fields)


def decide_field(field_mapping: FieldMapping, sample: Sample) -> FieldMapping:
    get = CellGetters().field(field_mapping)
    cells = [value for values in sample if (value := get(values)) is not None]
    column = Column(" ".join(folded(name) for name in field_mapping.selection.columns), cells)
    decision = NORMALISERS[field_mapping.normaliser].decide(column, field_mapping.options)
    return replace(
        field_mapping,
        options={**field_mapping.options, **decision.options},
        assumed=decision.assumed,
        notes=tuple(decision.notes),
    )


def day_first(column: str, sample: Sample) -> bool | None:
    """Returns whether the day comes first in the dates of a column, or None if the order is unclear."""
    decided = decide_field(FieldMapping(Selection("column", (column,)), "date"), sample)
    return decided.options.get("day_first")
