"""Import files, read row by row: CSV, NDJSON and JSON arrays, packed or not."""

from app.importing.files.rows import Row, SourceError, Unreadable
from app.importing.files.source import Source, open_source

__all__ = [
    "Row",
    "Source",
    "SourceError",
    "Unreadable",
    "open_source",
]
