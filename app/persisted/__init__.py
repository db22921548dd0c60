"""Persisted operations: those that clients send by a hash or an id, and those that are trusted."""

from app.persisted.automatic_queries import AutomaticQueries, hash_of
from app.persisted.manifest_check import Checked, check_manifest
from app.persisted.manifests import MAX_BYTES, ManifestError, ManifestOperation, read_manifest
from app.persisted.operation_policy import OperationPolicy
from app.persisted.persisted_errors import OperationError
from app.persisted.trusted_operations import TrustedOperations
from app.persisted.unknown_operations import UnknownOperations

__all__ = [
    "MAX_BYTES",
    "AutomaticQueries",
    "Checked",
    "ManifestError",
    "ManifestOperation",
    "OperationError",
    "OperationPolicy",
    "TrustedOperations",
    "UnknownOperations",
    "check_manifest",
    "hash_of",
    "read_manifest",
]
