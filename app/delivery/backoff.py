"""When a failed delivery is tried again."""

import random

#: Seconds after each failed attempt; after all further ones, the last of them.
DELAYS: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 21_600.0)

_JITTER = 0.2  # the share by which a delay varies, so that what failed together isn't tried together


def delay(attempts: int, retry_after: float | None = None) -> float:
    """Returns the seconds until the next attempt.

    attempts: the number of failed ones. retry_after: the seconds that the receiver asked to wait; honoured up
    to the longest delay.
    """
    planned = DELAYS[min(attempts, len(DELAYS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
    return max(planned, min(retry_after or 0.0, DELAYS[-1]))
