"""Sessions of the driver, one for each command in flight that may be interrupted.

They are lent again rather than ended: that is cheaper, and the same for both drivers.
"""

from typing import Any

_free: dict[int, list[Any]] = {}


def lend(client: Any) -> Any:
    """A session that no other command has. client: the driver's own, not Motor's."""
    if free := _free.get(id(client)):
        return free.pop()
    return client.start_session(causal_consistency=False)


def give_back(client: Any, session: Any) -> None:
    """To be lent again. Never one that was interrupted: the interruption may still be on its way."""
    _free.setdefault(id(client), []).append(session)


def forget(client: Any) -> None:
    """The client is closed, and its sessions with it."""
    _free.pop(id(client), None)
