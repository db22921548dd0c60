"""Where the log is written: standard error, without making the event loop wait for the log's reader."""

import atexit
from collections import deque
from threading import Event, Thread
from typing import BinaryIO

_MOST_PENDING = 4_000_000  # maximum size of the lines that wait for the log's reader, in bytes
_EVERY = 0.1  # seconds between writes
_LAST = 2.0  # seconds that a process that ends waits for the log's reader


class Output:
    """Writes lines to a stream: at once, or in a thread after `write_in_background`.

    If the reader of the stream stops reading, further lines are dropped and counted.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._pending: deque[bytes] = deque()
        self._added = self._written = self._dropped = 0
        self._has_lines, self._is_ending = Event(), Event()
        self._thread: Thread | None = None

    def write_in_background(self) -> None:
        """Starts the thread. Call this after forking, because a thread doesn't survive a fork."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def write(self, line: bytes) -> None:
        """Writes a line, which ends in a newline."""
        if self._thread is None:
            self._put(line)
        elif self._added - self._written > _MOST_PENDING:
            self._dropped += 1
        else:
            self._added += len(line)
            self._pending.append(line)
            if not self._has_lines.is_set():
                self._has_lines.set()

    def close(self) -> None:
        """Waits until all lines are written, for at most two seconds. Later lines are written at once."""
        if self._thread is not None:
            self._is_ending.set()
            self._has_lines.set()
            self._thread.join(_LAST)
            self._thread = None
            self._is_ending.clear()

    def take_dropped(self) -> int:
        """Returns the number of lines that were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _run(self) -> None:
        while not self._is_ending.is_set():
            self._has_lines.wait()
            self._is_ending.wait(_EVERY)  # more lines will follow soon, and are written together
            self._has_lines.clear()
            lines = [self._pending.popleft() for _ in range(len(self._pending))]
            self._put(b"".join(lines))
            self._written += sum(map(len, lines))

    def _put(self, lines: bytes) -> None:
        try:
            self._stream.write(lines)
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads the log any more, or the stream is closed
            pass
