"""Reads import files row by row: CSV, JSON and Excel workbooks, optionally compressed with gzip or ZIP."""

from app.importing.files.lookups import read_lookup
from app.importing.files.rows import Blank, Cell, Cells, Row, SourceError, Unreadable
from app.importing.files.source import Source, open_source

__all__ = [
    "Blank",
    "Cell",
    "Cells",
    "Row",
    "Source",
    "SourceError",
    "Unreadable",
    "open_source",
    "read_lookup",
]
