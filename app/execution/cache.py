"""A scan-resistant cache (segmented LRU).

Kept here because cachetools has no scan-resistant policy, and functools.lru_cache has no limit in bytes.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_PROBATION = 0.2  # the share of the cache for entries on probation


class Cache(Generic[K, V]):
    """Bounded by the number of entries and by the sum of their sizes.

    A segmented LRU (Karedla, Love and Wherry, 1994, "Caching strategies to improve disk system performance"):
    an entry starts on probation and becomes protected when it is requested again. New entries evict only
    entries on probation, so no number of one-off entries can evict one that is in use.

    It belongs to one event loop. No call awaits, so every call is atomic.
    """

    def __init__(self, *, entries: int, size: int) -> None:
        self._new: _Segment[K, V] = _Segment(max(1, int(entries * _PROBATION)), int(size * _PROBATION))
        self._protected: _Segment[K, V] = _Segment(entries - self._new.entries, size - self._new.size)

    def __len__(self) -> int:
        return len(self._new.kept) + len(self._protected.kept)

    def __contains__(self, key: K) -> bool:
        """Whether a key is cached. Looking does not count as use."""
        return key in self._protected.kept or key in self._new.kept

    @property
    def size(self) -> int:
        """The sum of the sizes of all cached entries."""
        return self._new.used + self._protected.used

    def get(self, key: K) -> V | None:
        if key in self._protected.kept:
            self._protected.kept.move_to_end(key)
            return self._protected.kept[key][0]
        if key not in self._new.kept:
            return None
        value, size = self._new.pop(key)
        for demoted in self._protected.put(key, value, size):
            self._new.put(*demoted)
        return value

    def put(self, key: K, value: V, size: int) -> None:
        """Caches a value. Does nothing if its key is cached, or if it is too large for probation."""
        if key not in self:
            self._new.put(key, value, size)


class _Segment(Generic[K, V]):
    """Entries in order of use, the most recent last."""

    def __init__(self, entries: int, size: int) -> None:
        self.entries, self.size, self.used = entries, size, 0
        self.kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def put(self, key: K, value: V, size: int) -> list[tuple[K, V, int]]:
        """Adds an entry. Returns the entries it evicts.

        An entry larger than the whole segment is not added, and evicts nothing.
        """
        if size > self.size:
            return []
        self.kept[key] = (value, size)
        self.used += size
        evicted = []
        while len(self.kept) > self.entries or self.used > self.size:
            oldest = next(iter(self.kept))
            evicted.append((oldest, *self.pop(oldest)))
        return evicted

    def pop(self, key: K) -> tuple[V, int]:
        value, size = self.kept.pop(key)
        self.used -= size
        return value, size
