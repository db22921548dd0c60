"""A pool of driver sessions, one for each read in flight.

To kill a read, MongoDB needs the id of its session. Sessions are reused instead of ended, because reuse is
cheaper and works the same with both drivers. In this module, every `client` is a PyMongo client, not Motor's
wrapper around it.
"""

from typing import NamedTuple

from loaders.mongo.bson_types import DriverObject, Value


class Lent(NamedTuple):
    """A driver session and its id, which is kept because reading it from the session is slow."""

    session: DriverObject
    id: Value


_free: dict[int, list[Lent]] = {}


def keep_sessions(client: DriverObject) -> None:
    """Starts pooling a client's sessions."""
    _free[id(client)] = []


def lend(client: DriverObject) -> Lent:
    """Returns a session from the client's pool, or a new one if there is no free session."""
    try:
        return _free[id(client)].pop()
    except LookupError:
        # No session is free. Checking the pool before `pop` wouldn't prevent this error, because another
        # thread could take the last session between the check and `pop`.
        session = client.start_session(causal_consistency=False)
        return Lent(session, session.session_id)


def give_back(client: DriverObject, lent: Lent) -> None:
    """Returns a session to the pool, or drops it if the client has been closed.

    Never call it with an interrupted session, because MongoDB might still be about to kill that session.
    """
    if (free := _free.get(id(client))) is not None:
        free.append(lent)


def forget_sessions(client: DriverObject) -> None:
    """Drops a closed client's pool of sessions; the sessions were closed with the client."""
    _free.pop(id(client), None)
