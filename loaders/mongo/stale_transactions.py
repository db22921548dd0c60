"""Transactions that nobody will end, because their gateway died in the middle of them.

What such a one has written nobody else can write, until MongoDB gives it up: after a minute or more
(`transactionLifetimeLimitSeconds`). So every gateway looks for them.
"""

from collections.abc import Set
from typing import Any, TypeAlias

from loaders.mongo import commands
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database

#: What the driver calls a gateway's connections.
APP_NAME = "lectern"

_IDLE = 1.0  # seconds: the next command of a transaction comes within milliseconds

_Open: TypeAlias = tuple[Any, int]  # the id of a session, and the number of its transaction


class Abandoned:
    """Those of a deployment. One that was idle at two looks is ended: at a single one a mongod that stood
    still, or a gateway that was late, would look the same.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: Set[_Open] = frozenset()

    async def end(self, idle: float = _IDLE) -> int:
        """Ends those of the gateways that are idle for so many seconds, and were when it looked last; how
        many there were. A gateway that lives begins its transaction again.

        Raises PyMongoError where MongoDB is not reached, or doesn't tell.
        """
        admin = self._database.client["admin"]
        found = await commands.aggregate(admin, _open(idle), size=1_000)
        now = {(s["lsid"]["id"], s["transaction"]["parameters"]["txnNumber"]) for s in found}
        again, self._idle = now & self._idle, now
        if again:
            sessions = [{"id": session_id} for session_id, _ in again]
            await commands.send(admin, "killSessions", lambda own: own.command("killSessions", sessions))
        return len(again)


def _open(idle: float) -> Pipeline:
    inactive = {"$gt": round(idle * 1_000_000)}
    own = {"type": "idleSession", "appName": APP_NAME, "transaction.timeInactiveMicros": inactive}
    named = {"lsid.id": 1, "transaction.parameters.txnNumber": 1}
    return [{"$currentOp": {"idleSessions": True}}, {"$match": own}, {"$project": named}]
