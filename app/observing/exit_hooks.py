"""What a process does before it ends, also where it ends without Python's own exit."""

import atexit
from collections.abc import Callable

_hooks: list[Callable[[], None]] = []


def at_exit(hook: Callable[[], None]) -> None:
    """Has a function called once when the process exits normally, or by `run_exit_hooks`."""
    if not _hooks:
        atexit.register(run_exit_hooks)
    _hooks.append(hook)


def run_exit_hooks() -> None:
    """Calls the functions, the last one first. Call this before os._exit, which skips Python's own exit."""
    while _hooks:
        _hooks.pop()()
