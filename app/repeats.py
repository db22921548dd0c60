"""Log lines that would repeat themselves: the first of each kind, then how many more there were."""

from asyncio import get_running_loop
from collections import Counter
from typing import Any

import structlog

_EVERY = 10.0  # seconds

_log = structlog.get_logger("lectern")
_more: Counter[str] = Counter()


def warn(event: str, **details: Any) -> None:
    """Logs an event, at most once in ten seconds with those details; repeated ones are counted meanwhile."""
    if event in _more:
        _more[event] += 1
        return
    _log.warning(event, **details)
    _more[event] = 0
    get_running_loop().call_later(_EVERY, _tell, event)


def _tell(event: str) -> None:
    """How often it came again; not at all: the next one is logged with its details."""
    if repeated := _more.pop(event):
        _log.warning(event, repeated=repeated)
        _more[event] = 0
        get_running_loop().call_later(_EVERY, _tell, event)
