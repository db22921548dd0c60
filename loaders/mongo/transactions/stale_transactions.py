"""Aborts stale transactions: those that a gateway has left idle, because it died or is stuck.

Nobody else can write the documents that a stale transaction has written until MongoDB aborts the transaction,
which takes a minute or more (`transactionLifetimeLimitSeconds`). Therefore every gateway looks for stale
transactions.
"""

from collections.abc import Set
from typing import TypeAlias
from uuid import UUID

from loaders.mongo import commands
from loaders.mongo.commands import Pipeline
from loaders.mongo.database import Database

#: The application name that a gateway sends to MongoDB when it connects.
APP_NAME = "lectern"

#: A transaction counts as idle if it has had no command for this many seconds. A gateway that is alive sends
#: the next command within milliseconds.
_IDLE = 1.0

# The session's id, and the transaction's number within the session.
_TransactionId: TypeAlias = tuple[UUID, int]


class StaleTransactions:
    """The stale transactions of a MongoDB deployment.

    A transaction is aborted once two consecutive checks have found it idle. A single check isn't
    enough, because the gateway might just be slow, or mongod might have been suspended.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: Set[_TransactionId] = frozenset()

    async def end(self, idle: float = _IDLE) -> int:
        """Aborts gateway transactions that were idle both at this check and at the previous one.

        Returns the number of aborted transactions. A gateway that is still alive retries its aborted
        transaction. idle: the number of seconds without a command after which a transaction counts as idle.
        Raises PyMongoError if MongoDB can't be reached, or refuses the command.
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
