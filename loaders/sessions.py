"""Sessions of the driver, one for each command in flight that may be interrupted.

They are lent again rather than ended: that is cheaper, and the same for both drivers.
"""

from typing import Any

_free: dict[int, list[Any]] = {}


def keep(client: Any) -> None:
    """Keeps the sessions of a client from now on. client: the driver's own, not Motor's; here and below."""
    _free[id(client)] = []


def lend(client: Any) -> Any:
    """A session that no other command has."""
    try:
        return _free[id(client)].pop()
    except LookupError:  # it has none that is free: other threads may take one at the same time
        return client.start_session(causal_consistency=False)


def give_back(client: Any, session: Any) -> None:
    """To be lent again, unless the client was closed meanwhile. Never one that was interrupted: the
    interruption may still be on its way.
    """
    if (free := _free.get(id(client))) is not None:
        free.append(session)


def forget(client: Any) -> None:
    """The client is closed, and its sessions with it."""
    _free.pop(id(client), None)
