"""Import and export of documents: batched writes, references, exported rows, sample data."""

from loaders.transfer.exports import (
    EXPORT_MARK,
    exported_fields,
    exported_key,
    exported_object_id,
    exported_rows,
)
from loaders.transfer.imports import Importer, Incoming, Kind, Outcome, StorageError
from loaders.transfer.references import Reference, References
from loaders.transfer.sample_data import SampleDocument, begin_sample, complete_sample, insert_sample

__all__ = [
    "EXPORT_MARK",
    "Importer",
    "Incoming",
    "Kind",
    "Outcome",
    "Reference",
    "References",
    "SampleDocument",
    "StorageError",
    "begin_sample",
    "complete_sample",
    "exported_fields",
    "exported_key",
    "exported_object_id",
    "exported_rows",
    "insert_sample",
]
