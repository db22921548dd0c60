"""Keys that a client gives to a write, so that it may be sent again: the first answer is kept with it."""

from datetime import timedelta
from typing import Any

from loaders.mongo import Transaction

#: How long an answer is kept.
KEPT = timedelta(hours=24)


async def kept(tx: Transaction, viewer: str, key: str) -> dict[str, Any] | None:
    """What is kept under a viewer's key: `action`, `digest` of its input, `answer`. MongoDB removes what is
    too old within a minute or so; here it is gone at once.
    """
    query = {"_id": _id(viewer, key), "at": {"$gt": tx.now - KEPT}}
    found: dict[str, Any] | None = await tx.find_one("idempotencyKeys", query)
    return found


async def keep(tx: Transaction, viewer: str, key: str, *, action: str, digest: bytes, answer: Any) -> None:
    """Keeps an answer. Of two writes with one key that run at once, one waits for the other and finds it."""
    document = {"_id": _id(viewer, key), "at": tx.now, "action": action, "digest": digest, "answer": answer}
    await tx.put("idempotencyKeys", document)


def _id(viewer: str, key: str) -> dict[str, str]:
    return {"viewer": viewer, "key": key}
