"""Transactions that nobody will end, because their gateway died in the middle of them.

What such a one has written nobody else can write, until MongoDB gives it up: after a minute or more
(`transactionLifetimeLimitSeconds`). So every gateway looks for them.
"""

from loaders import mongo
from loaders.mongo import Database, Pipeline

#: What the driver calls a gateway's connections.
APP_NAME = "lectern"

_IDLE = 3.0  # seconds: the next command of a transaction comes within milliseconds


async def end(database: Database, idle: float = _IDLE) -> int:
    """Ends those of the gateways that were idle for so many seconds; how many there were. A gateway that
    lives, and was late, begins its transaction again.

    Raises PyMongoError where MongoDB is not reached, or doesn't tell.
    """
    admin = database.client["admin"]
    found = await mongo.aggregate(admin, _open(idle), size=1_000)
    if found:
        sessions = [{"id": session["lsid"]["id"]} for session in found]
        await mongo.send(admin, lambda own: own.command("killSessions", sessions))
    return len(found)


def _open(idle: float) -> Pipeline:
    inactive = {"$gt": round(idle * 1_000_000)}
    own = {"type": "idleSession", "appName": APP_NAME, "transaction.timeInactiveMicros": inactive}
    return [{"$currentOp": {"idleSessions": True}}, {"$match": own}, {"$project": {"lsid.id": 1}}]
