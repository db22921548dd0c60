"""A compact record of the keys that an import has seen, and of the rows where they first appeared."""

from array import array
from collections.abc import Hashable


class Seen:
    """Maps each key to the row where it first appeared, in 32 to 64 bytes per key.

    An open-addressing hash table over two arrays. It compares keys by their 64-bit hashes only: among ten
    million keys, the probability of a collision is three in a million.
    """

    def __init__(self) -> None:
        self._count = 0
        self._allocate(1 << 12)

    def row(self, key: Hashable) -> int | None:
        """Returns the row of a key, or None if the key was never added."""
        return self._rows[self._slot(hash(key))] or None

    def add(self, key: Hashable, row: int) -> bool:
        """Records a key's row number, counted from 1, and returns whether the key is new.

        A key that is already present keeps its first row.
        """
        hashed = hash(key)
        slot = self._slot(hashed)
        if self._rows[slot]:
            return False
        self._hashes[slot], self._rows[slot] = hashed, row
        self._count += 1
        if self._count * 2 > len(self._rows):
            self._grow()
        return True

    def _slot(self, hashed: int) -> int:
        """Returns the slot that holds a hash, or the free slot where it belongs."""
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
