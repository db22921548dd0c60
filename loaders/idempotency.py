"""Idempotency keys: a client that retries a write with the same key gets the original response."""

from datetime import timedelta

from bson import ObjectId

from loaders.mongo import Document, Transaction, Value

#: How long a response is kept.
KEPT = timedelta(hours=24)


async def kept(tx: Transaction, viewer: str, key: str) -> Document | None:
    """Returns what `keep` has recorded under a viewer's idempotency key, or None if there is nothing.

    MongoDB deletes an expired record within about a minute; this function ignores it as soon as it expires.
    """
    query = {"_id": _id(viewer, key), "at": {"$gt": tx.now - KEPT}}
    found: Document | None = await tx.find_one("idempotencyKeys", query)
    return found


async def keep(
    tx: Transaction,
    viewer: str,
    key: str,
    *,
    action: str,
    digest: bytes,
    answer: Value,
    student_id: ObjectId | None = None,
) -> None:
    """Records the result of a write under a viewer's idempotency key.

    digest: a digest of the input. answer: the result. student_id: the student of a viewer who has no account
    here, so that an erasure finds the key. If two writes with the same key run concurrently, the
    second waits for the first and then finds the first one's result.
    """
    document = {"_id": _id(viewer, key), "at": tx.now, "action": action, "digest": digest, "answer": answer}
    await tx.put("idempotencyKeys", document | ({"studentId": student_id} if student_id else {}))


def _id(viewer: str, key: str) -> dict[str, str]:
    return {"viewer": viewer, "key": key}
