"""Import and export of documents: batched writes, references, exported rows, sample data."""

from loaders.transfer.category_rows import CategoryRows
from loaders.transfer.course_graph import CourseGraph
from loaders.transfer.exports import (
    EXPORT_MARK,
    exported_fields,
    exported_key,
    exported_object_id,
    exported_rows,
)
from loaders.transfer.imports import Importer, Incoming, Kind, Outcome, Reference, StorageError
from loaders.transfer.instructor_rows import InstructorRows
from loaders.transfer.past_imports import (
    ImportedFile,
    PastImport,
    latest,
    record_file,
    record_in_audit_log,
    same_file,
)
from loaders.transfer.prerequisites import Prerequisites
from loaders.transfer.references import References
from loaders.transfer.sample_data import SampleDocument, begin_sample, complete_sample, insert_sample
from loaders.transfer.touched import Touched

__all__ = [
    "EXPORT_MARK",
    "CategoryRows",
    "CourseGraph",
    "ImportedFile",
    "Importer",
    "Incoming",
    "InstructorRows",
    "Kind",
    "Outcome",
    "PastImport",
    "Prerequisites",
    "Reference",
    "References",
    "SampleDocument",
    "StorageError",
    "Touched",
    "begin_sample",
    "complete_sample",
    "exported_fields",
    "exported_key",
    "exported_object_id",
    "exported_rows",
    "insert_sample",
    "latest",
    "record_file",
    "record_in_audit_log",
    "same_file",
]
