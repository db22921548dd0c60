"""How the user has started this program, for hints that can be copied."""

import sys
from pathlib import Path
from shlex import quote
from shutil import which

_NAME = "lectern"


def lectern() -> str:
    """Returns the command to type: its name if it is on the PATH, otherwise the path that was used."""
    called = Path(sys.argv[0])
    on_path = which(_NAME)
    is_other = called.name != _NAME  # a program that uses Lectern's modules, such as a test
    if is_other or (on_path and Path(on_path).resolve() == called.resolve()):
        return _NAME
    return quote(sys.argv[0])
