"""Reads import files row by row: CSV, NDJSON and JSON arrays, optionally compressed with gzip."""

from app.importing.files.rows import Cell, Cells, Row, SourceError, Unreadable
from app.importing.files.source import Source, open_source

__all__ = [
    "Cell",
    "Cells",
    "Row",
    "Source",
    "SourceError",
    "Unreadable",
    "open_source",
]
