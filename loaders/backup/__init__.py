"""Backups: every collection as of one moment, in a directory, and the way back into an empty database."""

from loaders.backup.backup import write_backup
from loaders.backup.manifest import BackupError, Contents, Manifest
from loaders.backup.restore import Restored, is_unfinished, restore_backup
from loaders.backup.snapshot import SnapshotError

__all__ = [
    "BackupError",
    "Contents",
    "Manifest",
    "Restored",
    "SnapshotError",
    "is_unfinished",
    "restore_backup",
    "write_backup",
]
