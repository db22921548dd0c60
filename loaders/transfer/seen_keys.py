"""The keys that an import has met, in a few bytes each."""

from array import array
from collections.abc import Hashable


class Seen:
    """Which row a key stood in: a hash table over two arrays, 32 to 64 bytes a key.

    Keys are told apart by their 64-bit hashes; that two of ten million keys share one has a probability of
    three in a million.
    """

    def __init__(self) -> None:
        self._count = 0
        self._allocate(1 << 12)

    def row(self, key: Hashable) -> int | None:
        """The row of a key that was added, or None."""
        return self._rows[self._slot(hash(key))] or None

    def add(self, key: Hashable, row: int) -> None:
        """Remember the row (1 or more) of a key; the first one stays."""
        slot = self._slot(hash(key))
        if self._rows[slot]:
            return
        self._hashes[slot], self._rows[slot] = hash(key), row
        self._count += 1
        if self._count * 2 > len(self._rows):
            self._grow()

    def _slot(self, hashed: int) -> int:
        """Where a hash stands, or the free place for it."""
        mask, hashes, rows = self._mask, self._hashes, self._rows
        slot = hashed & mask
        while rows[slot] and hashes[slot] != hashed:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old = zip(self._hashes, self._rows, strict=True)
        self._allocate(2 * len(self._rows))
        for hashed, row in old:
            if row:
                slot = self._slot(hashed)
                self._hashes[slot], self._rows[slot] = hashed, row

    def _allocate(self, size: int) -> None:
        self._mask = size - 1
        self._hashes, self._rows = array("q", bytes(8 * size)), array("Q", bytes(8 * size))
