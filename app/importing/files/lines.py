"""Iterates over the lines of a text, with look-ahead and push-back."""

from collections import deque
from collections.abc import Iterator
from typing import TextIO


class Lines(Iterator[str]):
    """Iterates over the physical lines of a text, including their line ends.

    `number` is the number of the most recently read line, from 1.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer: deque[str] = deque()
        self.number = 0

    def __next__(self) -> str:
        line = self._buffer.popleft() if self._buffer else self._text.readline()
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
        while len(self._buffer) < count and (line := self._text.readline()):
            self._buffer.append(line)
        return list(self._buffer)[:count]
