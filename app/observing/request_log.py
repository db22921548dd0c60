"""The log's line for each request, and the plans of slow operations."""

from collections import OrderedDict
from functools import partial
from time import monotonic
from typing import Any

import structlog

from app.observing.instrumentation import Listener
from app.observing.logs import Log
from app.observing.record import Record
from app.observing.redaction import Redaction
from app.observing.request_line import console_line, fields_of, json_line

_MOST_SLOW = 200  # maximum number of operations whose slow runs are counted
_SLOW_EVERY = 10.0  # minimum seconds between log lines about one slow operation
_LONGEST_VARIABLES = 1_000  # maximum length of the variables in a line, in characters
_SIZE, _ENTRY_SIZE = 1_000, 200  # bytes of memory of a record, and of each command and level in it
#: The fields that the warning about a slow operation has in common with the request's line.
_SAME = (
    "request_id", "trace_id", "operation", "kind", "hash", "client", "client_version", "address", "subject",
    "ms",
)  # fmt: skip
_MOST_LEVELS, _MOST_COMMANDS = 50, 5  # maximum number of levels in a plan, and of commands shown per level


class RequestLog(Listener):
    """Logs one line for each request, and a warning with the plan for an operation that was slow.

    slow: the number of seconds from which on a request is slow. Repeated warnings about one operation are
    throttled.
    """

    def __init__(self, slow: float, *, with_requests: bool = True) -> None:
        self._slow, self._with_requests = slow, with_requests
        # Maps the hash of a slow operation to the time of its last warning, and the slow runs since then.
        self._warned: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def request_ended(self, record: Record) -> None:
        if self._with_requests:
            size = _SIZE + _ENTRY_SIZE * (len(record.commands) + len(record.levels))
            Log.output.write_later(partial(json_line if Log.is_json else console_line, record), size)
        if record.ended - record.began >= self._slow and record.engine:
            self._warn(record)

    def _warn(self, record: Record) -> None:
        last, repeated = self._warned.pop(record.hash, (-_SLOW_EVERY, 0))
        if monotonic() - last < _SLOW_EVERY:
            self._warned[record.hash] = last, repeated + 1
            return
        more: dict[str, Any] = {"repeated": repeated} if repeated else {}
        if Redaction.shows_values and record.variables:
            more["variables"] = repr(record.variables)[:_LONGEST_VARIABLES]
        fields = fields_of(record)
        same = {name: fields[name] for name in _SAME if name in fields}
        structlog.get_logger("lectern").warning("slow operation", **same, plan=plan_lines(record), **more)
        self._warned[record.hash] = monotonic(), 0
        if len(self._warned) > _MOST_SLOW:
            self._warned.popitem(last=False)


def plan_lines(record: Record) -> list[str]:
    """Describes how an operation was run: its levels in order, each with the commands that it sent."""
    by_level: dict[int, list[str]] = {}
    for command in record.commands:
        found = "" if command.documents is None else f" {command.documents} documents"
        failed = f" failed: {command.error}" if command.error else ""
        line = f"{command.kind} {command.collection}{found} {command.ms:.1f} ms{failed}"
        by_level.setdefault(command.level, []).append(line)
    levels = sorted(record.levels, key=lambda level: level.began)[:_MOST_LEVELS]
    lines = [
        f"{level.depth}  {level.field} for {level.parents} {'parents' if level.parents != 1 else 'parent'} "
        f"{level.ms:.1f} ms: {_shown(by_level.pop(level.number, []))}"
        for level in levels
    ]
    others = [line for commands in by_level.values() for line in commands]
    return lines + ([f"outside of levels: {_shown(others)}"] if others else [])


def _shown(commands: list[str]) -> str:
    more = [f"and {len(commands) - _MOST_COMMANDS} more"] if len(commands) > _MOST_COMMANDS else []
    return ", ".join(commands[:_MOST_COMMANDS] + more) or "no commands"
