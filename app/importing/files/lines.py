"""Iterates over lines of text, with look-ahead and push-back."""

from collections import deque
from collections.abc import Iterator
from typing import TextIO

_LONGEST = 4 << 20  # maximum length of a line, in characters


class Lines(Iterator[str]):
    """Iterates over the physical lines of a text file, including the line ends.

    If a line is too long to be a record, only its beginning is returned. `number` is the number of the line
    that was read last; lines are numbered from 1.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer: deque[str] = deque()
        self.number = 0

    def __next__(self) -> str:
        line = self._buffer.popleft() if self._buffer else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def push(self, lines: list[str]) -> None:
        """Pushes lines back, so that they are read again in the same order."""
        self._buffer.extendleft(reversed(lines))
        self.number -= len(lines)

    def head(self, count: int) -> list[str]:
        """Returns up to `count` of the next lines without consuming them."""
        while len(self._buffer) < count and (line := self._read()):
            self._buffer.append(line)
        return list(self._buffer)[:count]

    @staticmethod
    def is_cut(line: str) -> bool:
        """Returns whether only the beginning of a line was returned, because the line is too long."""
        return len(line) >= _LONGEST

    def _read(self) -> str:
        line = self._text.readline(_LONGEST)
        rest = line
        while len(rest) == _LONGEST and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(_LONGEST)
        return line
