"""Python's garbage collector, for a process that serves."""

import gc

#: New containers before the youngest are looked at, and how often the next generation is.
_THRESHOLDS = (10_000, 20, 50)


def settle() -> None:
    """Call it when the application is made: what is there stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
