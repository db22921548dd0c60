"""Persisted operations: those that clients send by a hash or an id, and those that are trusted."""

from app.persisted.manifests import ManifestError, ManifestOperation, read_manifest

__all__ = ["ManifestError", "ManifestOperation", "read_manifest"]
