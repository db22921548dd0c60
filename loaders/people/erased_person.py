"""Who is being erased, and what is left of them."""

from collections.abc import Sequence
from typing import NamedTuple

from bson import ObjectId

from loaders.model import ERASED_STUDENT, ErasureDoc
from loaders.mongo import Document, Filter, Transaction

#: What stands in the audit log for a value that was erased.
HIDDEN = "(erased)"

#: What is left of a profile.
BLANK_PROFILE: Document = {
    "name": ERASED_STUDENT, "avatarUrl": None, "country": None, "bio": None, "email": None, "joinedAt": None,
    "externalId": None,
}  # fmt: skip

#: What is left of what somebody has said in a review, apart from the stars, which the course's average needs.
BLANK_REVIEW: Document = {
    "title": None, "body": "", "difficulty": None, "workloadHours": None, "term": None,
    "moderationReason": None,
}  # fmt: skip

_PAGE = 1_000  # audit entries that are read at once


class ErasedPerson(NamedTuple):
    """A person who is being erased.

    student_ids: the student, and those who were merged into them, whom the audit log still knows.
    """

    erasure: ErasureDoc
    student_ids: Sequence[ObjectId]

    @property
    def account_id(self) -> ObjectId | None:
        return self.erasure["accountId"]

    @property
    def keeps_reviews(self) -> bool:
        """Whether what the person's reviews say stays. The audit log never keeps it."""
        return self.erasure["keepsReviews"]

    @property
    def ids(self) -> Sequence[ObjectId]:
        """The ids of the students and of the account."""
        return [*self.student_ids, *([self.account_id] if self.account_id else [])]


async def with_merged(tx: Transaction, student_id: ObjectId) -> list[ObjectId]:
    """Returns the ids of a student and of all who were merged into them, directly or not."""
    known = [student_id]
    new = known
    while new:
        new = [one for one in await _merged_into(tx, new) if one not in known]
        known = known + new
    return known


async def _merged_into(tx: Transaction, student_ids: Sequence[ObjectId]) -> set[ObjectId]:
    into = {str(one) for one in student_ids}
    query: Filter = {"changes.after.mergedInto": {"$in": sorted(into)}}
    merged: set[ObjectId] = set()
    last: Filter = {}
    while entries := await tx.find(
        "auditLog", {**query, **last}, size=_PAGE, limit=_PAGE, sort=[("_id", 1)], projection={"changes": 1}
    ):
        merged |= {
            ObjectId(change["documentId"])
            for entry in entries
            for change in entry["changes"]
            if change["after"] and change["after"].get("mergedInto") in into
        }
        if len(entries) < _PAGE:
            break
        last = {"_id": {"$gt": entries[-1]["_id"]}}
    return merged
