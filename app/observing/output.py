"""Where the log is written: standard error, without making the event loop wait for the log's reader."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from select import PIPE_BUF, select
from threading import Event, Thread
from typing import BinaryIO, TypeAlias

from app.observing.exit_hooks import at_exit

_MOST_PENDING = 4_000_000  # maximum size of the lines that wait for the log's reader, in bytes
_EVERY = 0.1  # seconds between writes
_LONGEST_WAIT = 1.0  # seconds that a line waits for the log's reader where there is no thread
_LAST = 0.8  # seconds that a process that ends waits for the log's reader

_Line: TypeAlias = bytes | Callable[[], bytes]


class Output:
    """Writes lines to a stream: in a thread after `write_in_background`, otherwise at once.

    If the reader of the stream stops reading, further lines are dropped. Once it reads again, a line says how
    many. dropped: the number of all lines that were dropped.
    """

    def __init__(self, stream: BinaryIO, on_dropped: Callable[[int], None] = lambda _: None) -> None:
        self._stream, self._on_dropped = stream, on_dropped
        self._pending: deque[tuple[_Line, int]] = deque()
        self._added = self._written = self._reported = self.dropped = 0
        self._has_lines, self._is_ending = Event(), Event()
        self._thread: Thread | None = None

    def write_in_background(self) -> None:
        """Starts the thread. Call this after forking, because a thread doesn't survive a fork."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
            at_exit(self.close)

    def write(self, line: bytes) -> None:
        """Writes a line, which ends in a newline."""
        if self._thread is None:
            if _is_read(self._stream):
                self._put(line)
            else:
                self.dropped += 1
        else:
            self.write_later(line, len(line))

    def write_later(self, line: _Line, size: int) -> None:
        """Writes a line that is made in the thread, where many are made together, which is cheaper.

        size: the memory that the line takes until then, in bytes.
        """
        if self._thread is None:
            self.write(_made(line))
        elif self._added - self._written > _MOST_PENDING:
            self.dropped += 1
        else:
            self._added += size
            self._pending.append((line, size))
            if not self._has_lines.is_set():
                self._has_lines.set()

    def close(self) -> None:
        """Waits until all lines are written, for at most a second. Later lines are written at once."""
        if self._thread is not None:
            self._is_ending.set()
            self._has_lines.set()
            self._thread.join(_LAST)
            self._thread = None
            self._is_ending.clear()

    def _run(self) -> None:
        while self._pending or not self._is_ending.is_set():
            self._has_lines.wait()
            self._is_ending.wait(_EVERY)  # more lines will follow soon, and are written together
            self._has_lines.clear()
            for chunk in _chunks(self._take(len(self._pending))):
                self._put(chunk)
            if dropped := self.dropped - self._reported:
                self._reported += dropped
                self._on_dropped(dropped)

    def _take(self, number: int) -> Iterator[bytes]:
        """Yields the next lines."""
        for _ in range(number):
            line, size = self._pending.popleft()
            self._written += size
            try:
                yield _made(line)
            except Exception:  # without this thread, there would be no log
                self.dropped += 1

    def _put(self, lines: bytes) -> None:
        with suppress(OSError, ValueError):  # nobody reads the log any more, or the stream is closed
            self._stream.write(lines)
            self._stream.flush()


def _made(line: _Line) -> bytes:
    return line if isinstance(line, bytes) else line()


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Joins lines to chunks that a pipe takes whole, so that lines of several processes don't mix."""
    chunk = b""
    for line in lines:
        if chunk and len(chunk) + len(line) > PIPE_BUF:
            yield chunk
            chunk = b""
        chunk += line
    if chunk:
        yield chunk


def _is_read(stream: BinaryIO) -> bool:
    """Waits until the stream can take a line, for at most _LONGEST_WAIT. Returns whether it can."""
    try:
        return bool(select([], [stream.fileno()], [], _LONGEST_WAIT)[1])
    except (OSError, ValueError):  # not a file, or more files are open than `select` can handle
        return True
