"""Warnings that are counted instead of repeated."""

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import structlog

_EVERY = 10.0  # minimum seconds between log lines for warnings of the same kind


class Throttled:
    """Throttles warnings of one kind.

    The first warning is logged with its details. After that, the number of further warnings is logged every
    ten seconds for as long as they keep occurring. Several running applications can use the same
    Throttled object, because warnings are counted separately for each event loop.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        # Maps each event loop with throttled warnings to the number of warnings since the last log line.
        self._repeated: WeakKeyDictionary[AbstractEventLoop, int] = WeakKeyDictionary()

    def warning(self, **details: object) -> None:
        loop = get_running_loop()
        if loop in self._repeated:
            self._repeated[loop] += 1
        else:
            self._log(loop, 0, details)

    def _log(self, loop: AbstractEventLoop, repeated: int, details: Mapping[str, object]) -> None:
        more = {"repeated": repeated} if repeated else {}
        structlog.get_logger("lectern").warning(self._event, **details, **more)
        self._repeated[loop] = 0
        loop.call_later(_EVERY, self._log_repeated, loop)

    def _log_repeated(self, loop: AbstractEventLoop) -> None:
        if repeated := self._repeated.pop(loop):
            self._log(loop, repeated, {})
