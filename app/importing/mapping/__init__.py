"""Infers import mappings or reads them from TOML, and applies them to rows."""

from app.importing.mapping.column_inference import infer_mapping
from app.importing.mapping.decisions import decide
from app.importing.mapping.definition import (
    SENTINELS,
    FieldMapping,
    ImportMapping,
    LeftOut,
    MappingError,
    Selection,
    check_columns,
    with_columns,
)
from app.importing.mapping.records import NullCounts, Recorder, RowError, quoted
from app.importing.mapping.suggestions import column_line
from app.importing.mapping.toml_reader import load_mapping
from app.importing.mapping.toml_writer import as_toml

__all__ = [
    "SENTINELS",
    "FieldMapping",
    "ImportMapping",
    "LeftOut",
    "MappingError",
    "NullCounts",
    "Recorder",
    "RowError",
    "Selection",
    "as_toml",
    "check_columns",
    "column_line",
    "decide",
    "infer_mapping",
    "load_mapping",
    "quoted",
    "with_columns",
]
