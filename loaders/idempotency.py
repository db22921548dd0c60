"""Idempotency keys: with a key, a client may retry a write, and gets the answer of the first attempt."""

from datetime import timedelta

from loaders.mongo import Document, Transaction, Value

#: How long an answer is kept.
KEPT = timedelta(hours=24)


async def kept(tx: Transaction, viewer: str, key: str) -> Document | None:
    """The record of a viewer's key, or None: `action`, `digest` of the input, and `answer`.

    MongoDB deletes an expired record within a minute or so; this function ignores it at once.
    """
    query = {"_id": _id(viewer, key), "at": {"$gt": tx.now - KEPT}}
    found: Document | None = await tx.find_one("idempotencyKeys", query)
    return found


async def keep(tx: Transaction, viewer: str, key: str, *, action: str, digest: bytes, answer: Value) -> None:
    """Records an answer under a viewer's key. digest: of the input.

    If two writes with one key run at once, one waits for the other and finds its answer.
    """
    document = {"_id": _id(viewer, key), "at": tx.now, "action": action, "digest": digest, "answer": answer}
    await tx.put("idempotencyKeys", document)


def _id(viewer: str, key: str) -> dict[str, str]:
    return {"viewer": viewer, "key": key}
