"""Implements `lectern import`, which turns the rows of a file into documents in the catalogue."""

from app.importing.column_inference import infer_mapping
from app.importing.files import Source, SourceError, open_source
from app.importing.importable_fields import Importable
from app.importing.importer import Import, Tally
from app.importing.linking import Linker
from app.importing.mapping import ImportMapping, MappingError, check_columns, load_mapping
from app.importing.progress import show_progress
from app.importing.records import Recorder
from app.importing.rejects import Rejects
from app.importing.report import show_closing, show_mapping, show_rejects
from app.importing.restoring import Restorer, check_restorable, collection_of

__all__ = [
    "Import",
    "ImportMapping",
    "Importable",
    "Linker",
    "MappingError",
    "Recorder",
    "Rejects",
    "Restorer",
    "Source",
    "SourceError",
    "Tally",
    "check_columns",
    "check_restorable",
    "collection_of",
    "infer_mapping",
    "load_mapping",
    "open_source",
    "show_closing",
    "show_mapping",
    "show_progress",
    "show_rejects",
]
