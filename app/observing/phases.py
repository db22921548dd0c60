"""The phases of a request, one after the other."""

from typing import NamedTuple

from app.observing.record import Record


class Phase(NamedTuple):
    """A phase: its name, and when it began and ended on the time.perf_counter() clock."""

    name: str
    began: float
    ended: float


def phases(record: Record) -> list[Phase]:
    """Returns the phases that a request has reached. The phase in which it failed is the last one.

    receive: until the operation was decoded. prepare: parsing, validation and pricing. wait: for points of
    the client's budget, and for admission. run: resolvers and MongoDB. encode: the response.
    """
    reached, began = [], record.began
    ends = (
        ("receive", record.received),
        ("prepare", record.prepared),
        ("wait", record.admitted),
        ("run", record.executed),
        ("encode", record.ended),
    )
    for name, end in ends:
        if not end:
            # Without a price, the operation was refused before it had to wait.
            if name != "wait" or record.price:
                reached.append(Phase(name, began, record.ended))
            break
        reached.append(Phase(name, began, end))
        began = end
    return reached
