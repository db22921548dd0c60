"""Writing reviews, voting for them, answering and moderating them."""

from typing import Any

import loaders.enrollment_writes
import loaders.review_writes
from loaders.documents import CourseDoc
from loaders.mongo.transactions import Transaction
from resolvers.access import permissions
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.writing import targets
from resolvers.writing.runner import Given, Objects

_CONTENT = ("rating", "title", "body", "difficulty", "workloadHours", "term")


async def create_review(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = targets.student_id(ctx)
    course = await targets.course(ctx, tx, given["courseId"])
    if not await loaders.enrollment_writes.counted(tx, student_id, course["_id"]):
        raise refusal("NOT_ENROLLED", "Only who takes or took this course can review it.", "courseId")
    if await loaders.review_writes.by_student(tx, student_id, course["_id"]):
        raise refusal("DUPLICATE", "You have reviewed this course: change that review.", "courseId")
    written = {
        **_content(given), "studentId": student_id, "verified": True, "createdAt": tx.now,
        "updatedAt": tx.now,
    }  # fmt: skip
    review = await loaders.review_writes.insert(tx, course, written)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def update_review(ctx: Context, tx: Transaction, given: Given) -> Objects:
    review = await targets.review(ctx, tx, given["reviewId"])
    permissions.require(ctx.viewer, "updateReview", student_id=review["studentId"])
    changed = await loaders.review_writes.change(tx, review, **_content(given), updatedAt=tx.now)
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def delete_review(ctx: Context, tx: Transaction, given: Given) -> Objects:
    review = await targets.review(ctx, tx, given["reviewId"])
    permissions.require(ctx.viewer, "deleteReview", student_id=review["studentId"])
    await loaders.review_writes.delete(tx, review)
    return {"review": review, "course": await _course(tx, review["courseId"])}


async def delete_votes(ctx: Context, tx: Transaction, done: Objects) -> Objects | None:
    review = done["review"]
    if review["helpfulCount"] == review.get("importedHelpfulCount", 0):
        return None
    return {} if await loaders.review_writes.delete_votes(tx, review["_id"]) else None


async def mark_review_helpful(ctx: Context, tx: Transaction, given: Given) -> Objects:
    student_id = targets.student_id(ctx)
    review = await targets.review(ctx, tx, given["reviewId"])
    if review["studentId"] == student_id:
        raise refusal("FORBIDDEN", "Others decide whether your review helped.", "reviewId")
    voted = await loaders.review_writes.vote(tx, review, student_id, helpful=given["helpful"])
    return {"review": voted}


async def reply_to_review(ctx: Context, tx: Transaction, given: Given) -> Objects:
    review = await targets.review(ctx, tx, given["reviewId"])
    course = await _course(tx, review["courseId"])
    permissions.require(ctx.viewer, "replyToReview", instructor_ids=course["instructorIds"])
    teaches = ctx.viewer.instructor_id in course["instructorIds"]
    reply = {
        "instructorId": ctx.viewer.instructor_id if teaches else None,
        "body": given["body"],
        "createdAt": tx.now,
    }
    return {"review": await loaders.review_writes.change(tx, review, reply=reply)}


async def moderate_review(ctx: Context, tx: Transaction, given: Given) -> Objects:
    review = await targets.review(ctx, tx, given["reviewId"])
    changed = await loaders.review_writes.change(tx, review, status=given["status"])
    return {"review": changed, "course": await _course(tx, review["courseId"])}


async def _course(tx: Transaction, id: Any) -> CourseDoc:
    course: CourseDoc = await tx.get("courses", id)
    return course


def _content(given: Given) -> dict[str, Any]:
    return {name: given[name] for name in _CONTENT if name in given}
