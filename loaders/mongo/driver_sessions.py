"""Sessions of the driver, one for each command in flight that may be interrupted.

They are lent again rather than ended: that is cheaper, and the same for both drivers.
"""

from typing import Any, NamedTuple


class Lent(NamedTuple):
    """A session and its id: to ask the session for it takes long."""

    session: Any
    id: Any


_free: dict[int, list[Lent]] = {}


def keep_sessions(client: Any) -> None:
    """Keeps the sessions of a client from now on. client: the driver's own, not Motor's; here and below."""
    _free[id(client)] = []


def lend(client: Any) -> Lent:
    """A session that no other command has."""
    try:
        return _free[id(client)].pop()
    except LookupError:  # it has none that is free: other threads may take one at the same time
        session = client.start_session(causal_consistency=False)
        return Lent(session, session.session_id)


def give_back(client: Any, lent: Lent) -> None:
    """To be lent again, unless the client was closed meanwhile. Never one that was interrupted: the
    interruption may still be on its way.
    """
    if (free := _free.get(id(client))) is not None:
        free.append(lent)


def forget_sessions(client: Any) -> None:
    """The client is closed, and its sessions with it."""
    _free.pop(id(client), None)
