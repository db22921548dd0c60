"""Flags of reviews. A moderation closes them by beginning a new round, however many they are."""

from collections import Counter
from datetime import timedelta
from hashlib import sha256

from bson import ObjectId

from loaders.model import ReviewDoc
from loaders.mongo import Filter, Transaction, utc

#: The number of reviews that one person can flag in 24 hours.
FLAGS_PER_DAY = 50

_FLAGS = 1_000  # flags per batch


class TooManyFlagsError(Exception):
    """A person has flagged too many reviews in the last 24 hours.

    seconds: the time until they can flag another one.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


async def flag(tx: Transaction, review: ReviewDoc, subject: str, student_id: ObjectId | None) -> ReviewDoc:
    """Flags a review in the name of a person. Returns the review with its new count.

    Has no effect if the person has flagged the review before, even if a moderation has closed that flag.

    subject: an account id, or "issuer|sub" for an external issuer. student_id: the person's student, if any.

    Raises TooManyFlagsError if the person has flagged FLAGS_PER_DAY reviews in the last 24 hours.
    """
    key = {"reviewId": review["_id"], "subject": subject}
    if await tx.get("flags", key):
        return review
    await _require_few(tx, subject)
    await _contend(tx, subject, review["_id"])
    current = review.get("flagRound", 0)
    await tx.insert("flags", {"_id": key, "studentId": student_id, "at": tx.now, "round": current})
    flagged: ReviewDoc = await tx.patch("reviews", review, flagCount=review.get("flagCount", 0) + 1)
    return flagged


async def _require_few(tx: Transaction, subject: str) -> None:
    day = timedelta(days=1)
    latest = await tx.find(
        "flags",
        {"_id.subject": {"$eq": subject}, "at": {"$gt": tx.now - day}},
        size=FLAGS_PER_DAY,
        limit=FLAGS_PER_DAY,
        sort=[("at", -1)],
        projection=["at"],
    )
    if len(latest) == FLAGS_PER_DAY:
        left = utc(latest[-1]["at"]) + day - tx.now
        raise TooManyFlagsError(max(1, int(left.total_seconds()) + 1))


async def _contend(tx: Transaction, subject: str, review_id: ObjectId) -> None:
    """Makes a person's concurrent flags conflict, so that each one counts those before it.

    Writes a document of the person's, which has another value each time: MongoDB doesn't see a conflict
    between writes that change nothing.
    """
    key = sha256(f"flags {subject}".encode()).digest()
    await tx.put("attempts", {"_id": key, "of": review_id, "expiresAt": tx.now + timedelta(minutes=5)})


async def withdraw(tx: Transaction, query: Filter, most: int) -> bool:
    """Deletes up to `most` of the flags that match a query, and lowers the counts of their reviews.

    Returns whether there may be more.
    """
    flags = await tx.find("flags", query, size=most, limit=most)
    if not flags:
        return False
    await tx.delete_all("flags", {"_id": {"$in": [one["_id"] for one in flags]}})
    ids = [one["_id"]["reviewId"] for one in flags]
    reviews = {one["_id"]: one for one in await tx.find("reviews", {"_id": {"$in": ids}}, size=len(ids))}
    open_flags = Counter(
        one["_id"]["reviewId"]
        for one in flags
        if (review := reviews.get(one["_id"]["reviewId"])) and one["round"] == review.get("flagRound", 0)
    )
    if open_flags:
        counts = [
            (key, {"flagCount": max(0, reviews[key].get("flagCount", 0) - taken)})
            for key, taken in open_flags.items()
        ]
        await tx.hold_all("reviews", counts)
    return len(flags) == most


async def delete_flags(tx: Transaction, review_id: ObjectId) -> bool:
    """Deletes a batch of a review's flags, small enough for one write.

    Returns whether the review might have more flags.
    """
    flags = await tx.find(
        "flags", {"_id.reviewId": review_id}, size=_FLAGS, limit=_FLAGS, projection={"_id": 1}
    )
    if flags:
        await tx.delete_all("flags", {"_id": {"$in": [one["_id"] for one in flags]}})
    return len(flags) == _FLAGS
