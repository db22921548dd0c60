"""Stored operations: the texts that clients registered, trusted operations, and unknown ones."""

from loaders.persisted.automatic_texts import AutomaticText, find_text, size_of_texts, store_texts
from loaders.persisted.trusted_store import (
    Catalogue,
    ConflictError,
    NewOperation,
    Pushed,
    TooManyError,
    TrustedText,
    Version,
    VersionKey,
    current_revision,
    load,
    mark_used,
    push,
    remove,
    versions,
)
from loaders.persisted.unknown_store import (
    LONGEST_SAMPLE,
    MOST_UNKNOWN,
    Sighting,
    add_sightings,
    recent_sightings,
)

__all__ = [
    "LONGEST_SAMPLE",
    "MOST_UNKNOWN",
    "AutomaticText",
    "Catalogue",
    "ConflictError",
    "NewOperation",
    "Pushed",
    "Sighting",
    "TooManyError",
    "TrustedText",
    "Version",
    "VersionKey",
    "add_sightings",
    "current_revision",
    "find_text",
    "load",
    "mark_used",
    "push",
    "recent_sightings",
    "remove",
    "size_of_texts",
    "store_texts",
    "versions",
]
