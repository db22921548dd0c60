"""Ends a process when its parent dies, and names processes."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def die_with(parent: int) -> None:
    """Makes the kernel kill this process when its parent dies, so that the port is free for a successor.

    On systems other than Linux, a worker checks at each heartbeat whether its parent is alive.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def name_process(name: str) -> None:
    """Sets the name of this process that `ps` and `top` show, on Linux. It has at most 15 characters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())
