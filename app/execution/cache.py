"""A scan-resistant cache (segmented LRU)."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_PROBATION = 0.2  # of the room


class Cache(Generic[K, V]):
    """Bounded by the number of entries and by the sum of their sizes.

    A segmented LRU (Karedla, Love and Wherry, 1994, "Caching strategies to improve disk system performance"):
    an entry starts on probation and is protected once it is asked for again. New entries push out only
    what is on probation, so that however many of them come once, none of what is used is lost.

    It belongs to one event loop; no call awaits, so none sees another half done.
    """

    def __init__(self, *, entries: int, size: int) -> None:
        self._new: _Segment[K, V] = _Segment(max(1, int(entries * _PROBATION)), int(size * _PROBATION))
        self._protected: _Segment[K, V] = _Segment(entries - self._new.entries, size - self._new.size)

    def __len__(self) -> int:
        return len(self._new.kept) + len(self._protected.kept)

    def __contains__(self, key: K) -> bool:
        """Whether it is kept; to look is not to use."""
        return key in self._protected.kept or key in self._new.kept

    @property
    def size(self) -> int:
        """The sum of the sizes of what is kept."""
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
        """Keeps a value, unless one of its key is there already; one too large for its room is not kept."""
        if key not in self:
            self._new.put(key, value, size)


class _Segment(Generic[K, V]):
    """Entries by when they were used, the latest last."""

    def __init__(self, entries: int, size: int) -> None:
        self.entries, self.size, self.used = entries, size, 0
        self.kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def put(self, key: K, value: V, size: int) -> list[tuple[K, V, int]]:
        """What had to go for it. One that is larger than all the room is not kept, and pushes nothing out."""
        if size > self.size:
            return []
        self.kept[key] = (value, size)
        self.used += size
        gone = []
        while len(self.kept) > self.entries or self.used > self.size:
            oldest = next(iter(self.kept))
            gone.append((oldest, *self.pop(oldest)))
        return gone

    def pop(self, key: K) -> tuple[V, int]:
        value, size = self.kept.pop(key)
        self.used -= size
        return value, size
