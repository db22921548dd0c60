"""Implements `lectern import`, which turns the rows of a file into documents, and writes files of exports."""

from app.importing.catalogue_linking import CATALOGUE_LINKERS
from app.importing.export_file import export_rows
from app.importing.files import Source, SourceError, open_source
from app.importing.importable_fields import Importable
from app.importing.importer import Import, Tally
from app.importing.importer import Linker as RowLinker
from app.importing.linking import Linker
from app.importing.mapping import (
    ImportMapping,
    MappingError,
    Recorder,
    as_toml,
    check_columns,
    decide,
    infer_mapping,
    load_mapping,
    with_columns,
)
from app.importing.plurals import counted
from app.importing.progress import show_progress
from app.importing.rejects import Rejects, check_rejects
from app.importing.report import (
    file_notes,
    show_closing,
    show_mapping,
    show_next_step,
    show_rejects,
    unused_columns,
)
from app.importing.restoring import Restorer, check_restorable, collection_of
from app.importing.source_check import check_source

__all__ = [
    "CATALOGUE_LINKERS",
    "Import",
    "ImportMapping",
    "Importable",
    "Linker",
    "MappingError",
    "Recorder",
    "Rejects",
    "Restorer",
    "RowLinker",
    "Source",
    "SourceError",
    "Tally",
    "as_toml",
    "check_columns",
    "check_rejects",
    "check_restorable",
    "check_source",
    "collection_of",
    "counted",
    "decide",
    "export_rows",
    "file_notes",
    "infer_mapping",
    "load_mapping",
    "open_source",
    "show_closing",
    "show_mapping",
    "show_next_step",
    "show_progress",
    "show_rejects",
    "unused_columns",
    "with_columns",
]
