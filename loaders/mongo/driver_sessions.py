"""A pool of driver sessions: each read in flight has one, through which it can be killed.

Sessions are reused instead of ended: that is cheaper, and works alike with both drivers. Every `client` here
is PyMongo's own, not Motor's wrapper of it.
"""

from typing import NamedTuple

from loaders.mongo.bson_types import DriverObject, Value


class Lent(NamedTuple):
    """A session and its id, kept because reading the id from the session is slow."""

    session: DriverObject
    id: Value


_free: dict[int, list[Lent]] = {}


def keep_sessions(client: DriverObject) -> None:
    """Starts to pool the sessions of a client."""
    _free[id(client)] = []


def lend(client: DriverObject) -> Lent:
    """Returns a session that no other command is using."""
    try:
        return _free[id(client)].pop()
    except LookupError:  # not checked first: another thread may take the last free one in between
        session = client.start_session(causal_consistency=False)
        return Lent(session, session.session_id)


def give_back(client: DriverObject, lent: Lent) -> None:
    """Returns a session to the pool; drops it if the client was closed meanwhile.

    Never call it with a session that was interrupted: MongoDB may still be about to kill it.
    """
    if (free := _free.get(id(client))) is not None:
        free.append(lent)


def forget_sessions(client: DriverObject) -> None:
    """Drops the pool of a client that is closed; its sessions are closed with it."""
    _free.pop(id(client), None)
