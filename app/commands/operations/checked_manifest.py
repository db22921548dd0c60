"""Reads a client's manifest, and checks its operations before they are pushed."""

from collections.abc import Sequence
from pathlib import Path

from app.commands.command_error import CommandError, file_error
from app.main import make_executor
from app.persisted import MAX_BYTES, ManifestError, ManifestOperation, check_manifest, read_manifest
from app.regular_files import read_regular
from app.settings import Settings
from loaders.persisted import NewOperation

_MOST_SHOWN = 50  # maximum number of problems that are printed


def checked_operations(manifest: Path, settings: Settings) -> Sequence[NewOperation]:
    """Returns the operations of a manifest. Raises CommandError if any of them is invalid."""
    found = check_manifest(make_executor(settings, for_commands=True), _read(manifest))
    if found.problems:
        shown = list(found.problems[:_MOST_SHOWN])
        if more := len(found.problems) - len(shown):
            shown.append(f"and {more:,} more")
        lines = "\n".join(f"  {problem}" for problem in shown)
        raise CommandError(
            f"{manifest}: nothing was stored, because of these problems:\n{lines}\n"
            "Correct the operations in the client, write its manifest again, and push that."
        )
    return found.operations


def _read(manifest: Path) -> Sequence[ManifestOperation]:
    try:
        return read_manifest(read_regular(manifest, MAX_BYTES + 1))
    except OSError as error:
        raise file_error(error) from None
    except ManifestError as error:
        raise CommandError(f"{manifest}: {error}") from None
