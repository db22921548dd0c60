"""Lines of a text that can be looked at ahead and read again."""

from collections import deque
from collections.abc import Iterator
from typing import TextIO


class Lines(Iterator[str]):
    """The physical lines of a text, with their ends. `number` is that of the last one read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.number = 0

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline()
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def push(self, lines: list[str]) -> None:
        """Give lines back: they are read again, in their order."""
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)

    def head(self, count: int) -> list[str]:
        """The next lines, at most so many, which stay to be read."""
        while len(self._back) < count and (line := self._text.readline()):
            self._back.append(line)
        return list(self._back)[:count]
