"""Reads a lookup table from two columns of a file."""

from collections.abc import Mapping
from contextlib import closing

from app.importing.files.rows import Cell, Row, SourceError
from app.importing.files.source import open_source

_MOST = 200_000  # maximum number of different keys; the table is held in memory


def read_lookup(name: str, key: str, value: str) -> Mapping[str, Cell]:
    """Returns the values of one column, keyed by the values of another.

    If several rows have the same key, the first one wins. Raises SourceError if the file can't be read, lacks
    a column or has too many keys.
    """
    table: dict[str, Cell] = {}
    with closing(open_source(name)) as source:
        for column in (key, value):
            if column not in source.columns:
                raise SourceError(f"{name} has no column “{column}”; it has {', '.join(source.columns)}")
        for row in source.rows():
            if isinstance(row, Row) and row.values.get(key) is not None:
                table.setdefault(str(row.values[key]).strip(), row.values.get(value))
            if len(table) > _MOST:
                raise SourceError(
                    f"{name} has more than {_MOST:,} different keys, too many for a lookup table"
                )
    return table
