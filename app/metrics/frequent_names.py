"""Which of the names that clients send have series of their own: the most frequent ones.

A client can send endless new names, so a name first has to be seen a few times among the latest candidates.
The others are counted together.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from time import monotonic

from app.metrics.families import MOST_NAMES, Labels
from app.metrics.series import Series

_ENOUGH = 5  # sightings after which a name gets its series, if there is room
_CANDIDATES = 1_000  # maximum number of names without series whose sightings are counted
_LONGEST = 100  # maximum length of a label's value, in characters
_IDLE = 3600.0  # seconds after which an unused series is retired


class FrequentNames:
    """The names with series of their own, for the series of one family.

    others: returns the labels under which a name without a series is counted. always: labels that have a
    series however rare they are, and don't count towards MOST_NAMES.

    If there are MOST_NAMES series, a name gets one only if it has been seen more than twice as often lately
    as the name with the fewest sightings, whose series is retired. Call `age` once a minute: it halves the
    counts, so that old sightings count less and less.
    """

    def __init__(
        self, series: Series, others: Callable[[Labels], Labels], always: Collection[Labels]
    ) -> None:
        self._series, self._others = series, others
        self._candidates: OrderedDict[Labels, int] = OrderedDict()
        now = monotonic()
        # Maps names with series to their total at the last `age`, their earlier sightings, and the time of
        # the last sighting.
        fixed = {*always, *map(others, always)}
        self._shown = {
            labels: (series.total(labels), 0.0, now) for labels in series.labels if labels not in fixed
        }
        self._known: dict[Labels, Labels] = {labels: labels for labels in (*fixed, *self._shown)}

    def get(self, name: Labels) -> Labels:
        """Counts a sighting of a name that clients chose. Returns the labels of its series."""
        return self._known.get(name) or self._sighted(name)

    def _sighted(self, name: Labels) -> Labels:
        labels = tuple(map(clean, name))
        if labels in self._known:
            return labels
        seen = self._candidates.pop(labels, 0) + 1
        if seen >= _ENOUGH and self._makes_room(seen):
            self._shown[labels] = (self._series.retired_total(labels), 0.0, monotonic())
            self._known[labels] = labels
            return labels
        self._candidates[labels] = seen
        if len(self._candidates) > _CANDIDATES:
            self._candidates.popitem(last=False)
        return self._others(labels)

    def _makes_room(self, seen: int) -> bool:
        """Returns whether there is room for a name. Retires the least frequent one if necessary.

        As this looks at all names, it isn't done for every sighting.
        """
        if len(self._shown) < MOST_NAMES:
            return True
        if seen & (seen - 1):
            return False
        least = min(self._shown, key=self._lately)
        if 2 * self._lately(least) >= seen:
            return False
        self._retire(least)
        return True

    def _lately(self, labels: Labels) -> float:
        before, earlier, _ = self._shown[labels]
        return earlier + self._series.total(labels) - before

    def _retire(self, labels: Labels) -> None:
        del self._shown[labels], self._known[labels]
        self._series.retire(labels)

    def age(self) -> None:
        now = monotonic()
        for labels, (before, _, last) in list(self._shown.items()):
            total = self._series.total(labels)
            if total == before and now - last > _IDLE:
                self._retire(labels)
            else:
                self._shown[labels] = (total, self._lately(labels) / 2, last if total == before else now)
        self._candidates = OrderedDict((name, n // 2) for name, n in self._candidates.items() if n > 1)


def clean(value: str) -> str:
    """Truncates a label's value, and replaces characters that can't be printed."""
    value = value[:_LONGEST]
    return value if value.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in value)
