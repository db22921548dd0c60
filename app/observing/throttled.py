"""Warnings and errors that are counted instead of repeated."""

from asyncio import AbstractEventLoop, get_running_loop
from collections import OrderedDict
from collections.abc import Mapping
from types import TracebackType
from weakref import WeakKeyDictionary

import structlog

_MOST_KINDS = 100  # maximum number of kinds of errors that are throttled, each by itself
_EVERY = 10.0  # minimum seconds between log lines for warnings of the same kind


class Throttled:
    """Throttles warnings or errors of one kind.

    The first is logged with its details. After that, the number of further ones is logged every ten seconds
    for as long as they keep occurring. Several running applications can use the same Throttled object,
    because it counts separately for each event loop.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        # Maps each event loop with throttled warnings to the number of warnings since the last log line.
        self._repeated: WeakKeyDictionary[AbstractEventLoop, int] = WeakKeyDictionary()

    def warning(self, **details: object) -> None:
        self._count("warning", details)

    def error(self, **details: object) -> None:
        self._count("error", details)

    def _count(self, level: str, details: Mapping[str, object]) -> None:
        loop = get_running_loop()
        if loop in self._repeated:
            self._repeated[loop] += 1
        else:
            self._log(loop, level, details)

    def _log(self, loop: AbstractEventLoop, level: str, details: Mapping[str, object]) -> None:
        getattr(structlog.get_logger("lectern"), level)(self._event, **details)
        self._repeated[loop] = 0
        loop.call_later(_EVERY, self._log_repeated, loop, level)

    def _log_repeated(self, loop: AbstractEventLoop, level: str) -> None:
        if repeated := self._repeated.pop(loop):
            self._log(loop, level, {"repeated": repeated})


class ThrottledErrors:
    """Throttles unexpected errors, each kind by itself: those of one class that were raised in one place."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._kinds: OrderedDict[object, Throttled] = OrderedDict()

    def error(self, error: BaseException, **details: object) -> None:
        """Logs an error with its traceback, or counts it."""
        kind = type(error), _place(error.__traceback__)
        throttled = self._kinds.pop(kind, None) or Throttled(self._event)
        self._kinds[kind] = throttled
        if len(self._kinds) > _MOST_KINDS:
            self._kinds.popitem(last=False)
        throttled.error(kind=type(error).__name__, **details, exc_info=error)


def _place(frames: TracebackType | None) -> tuple[str, int] | None:
    """Returns the file and line in which an exception was raised."""
    if frames is None:
        return None
    while frames.tb_next is not None:
        frames = frames.tb_next
    return frames.tb_frame.f_code.co_filename, frames.tb_lineno
