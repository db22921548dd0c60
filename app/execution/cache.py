"""A scan-resistant cache (segmented LRU).

Implemented here because cachetools has no scan-resistant policy, and functools.lru_cache can't limit its
size in bytes.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_PROBATION = 0.2  # the fraction of the cache reserved for entries on probation


class Cache(Generic[K, V]):
    """A cache bounded by the number of entries and by their total size.

    A segmented LRU (Karedla, Love and Wherry, 1994, "Caching strategies to improve disk system performance"):
    an entry starts on probation and becomes protected when it is requested again. New entries evict only
    entries on probation, so one-off entries can never evict an entry that is in regular use.

    A cache must only be used on one event loop. No method awaits, so every call is atomic.
    """

    def __init__(self, *, entries: int, size: int) -> None:
        self._new: _Segment[K, V] = _Segment(max(1, int(entries * _PROBATION)), int(size * _PROBATION))
        self._protected: _Segment[K, V] = _Segment(entries - self._new.entries, size - self._new.size)

    def __len__(self) -> int:
        return len(self._new.kept) + len(self._protected.kept)

    def __contains__(self, key: K) -> bool:
        """Returns whether a key is cached. Unlike `get`, this does not count as a use of the entry."""
        return key in self._protected.kept or key in self._new.kept

    @property
    def size(self) -> int:
        """The total size of all cached entries."""
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
        """Caches a value. Does nothing if the key is already cached or the value is too large to cache."""
        if key not in self:
            self._new.put(key, value, size)


class RecencyCache(Generic[K, V]):
    """A plain LRU cache with the same limits as `Cache`, for keys that clients can't choose.

    As long as everything fits, nothing is evicted, not even what was requested only once.
    """

    def __init__(self, *, entries: int, size: int) -> None:
        self._segment: _Segment[K, V] = _Segment(entries, size)

    def get(self, key: K) -> V | None:
        if (found := self._segment.kept.get(key)) is None:
            return None
        self._segment.kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        if key not in self._segment.kept:
            self._segment.put(key, value, size)


class _Segment(Generic[K, V]):
    """One segment of the cache: its entries, ordered from least to most recently used."""

    def __init__(self, entries: int, size: int) -> None:
        self.entries, self.size, self.used = entries, size, 0
        self.kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def put(self, key: K, value: V, size: int) -> list[tuple[K, V, int]]:
        """Adds an entry. Returns the entries that were evicted to make space for it.

        An entry larger than the entire segment is not added, and evicts nothing.
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
