"""Ends stale transactions: those whose gateway died before it committed or aborted them.

Nobody else can write the documents that a stale transaction has written until MongoDB aborts it, after a
minute or more (`transactionLifetimeLimitSeconds`). So every gateway looks for them.
"""

from collections.abc import Set
from typing import TypeAlias
from uuid import UUID

from loaders.mongo import commands
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database

#: The application name of a gateway's connections, which the driver sends to MongoDB.
APP_NAME = "lectern"

_IDLE = 1.0  # seconds: the next command of a transaction comes within milliseconds

_TransactionId: TypeAlias = tuple[UUID, int]  # the id of its session, and its number within the session


class Abandoned:
    """The stale transactions of a deployment.

    A transaction is ended once it was idle at two consecutive looks. At a single look, a mongod that was
    suspended or a gateway that was slow would look the same.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: Set[_TransactionId] = frozenset()

    async def end(self, idle: float = _IDLE) -> int:
        """Ends the gateways' transactions that are idle now and were at the last look; returns their number.

        idle: the seconds without a command after which a transaction is idle. If its gateway is alive after
        all, the gateway retries the transaction. Raises PyMongoError if MongoDB can't be reached, or refuses.
        """
        admin = self._database.client["admin"]
        found = await commands.aggregate(admin, _idle_transactions(idle), size=1_000)
        now = {(s["lsid"]["id"], s["transaction"]["parameters"]["txnNumber"]) for s in found}
        stale, self._idle = now & self._idle, now
        if stale:
            sessions = [{"id": session_id} for session_id, _ in stale]
            await commands.send(
                admin, "killSessions", lambda database: database.command("killSessions", sessions)
            )
        return len(stale)


def _idle_transactions(idle: float) -> Pipeline:
    inactive = {"$gt": round(idle * 1_000_000)}
    of_gateways = {"type": "idleSession", "appName": APP_NAME, "transaction.timeInactiveMicros": inactive}
    ids = {"lsid.id": 1, "transaction.parameters.txnNumber": 1}
    return [{"$currentOp": {"idleSessions": True}}, {"$match": of_gateways}, {"$project": ids}]
