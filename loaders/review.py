"""Reviews: lists by course or student, and a student's own reviews and votes.

The first page of a course's or a student's newest reviews is read by `_id`, using the ids stored in the
course or student (loaders/model/newest_review_ids.py). This takes about half as long as querying the reviews
by course or student.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from re import escape
from typing import Literal, NamedTuple

from bson import ObjectId

from loaders.model import (
    COUNTED_ENROLLMENTS,
    NEWEST,
    NO_IDS,
    CourseStatus,
    ReviewDoc,
    ReviewParent,
    ReviewStatus,
    count_ids,
    unpack_ids,
)
from loaders.mongo import Database, Fields, Filter, Stored, Value, all_of, find, note_read
from loaders.reading import Listing, Loaders, Order, Page, Projection, Window, fitting, including
from loaders.text import is_blank

ReviewOrderField = Literal["NEWEST", "HELPFUL", "RATING"]

ORDERS: Mapping[str, Order] = {
    "NEWEST": Order("createdAt", descending=True),
    "HELPFUL": Order("helpfulScore", descending=True),
    "RATING": Order("rating", descending=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCriteria:
    """Which reviews to list; a criterion that is None matches every review.

    course_statuses: a review matches if its course has one of these statuses. A course's own list of reviews
    doesn't need this criterion, because anyone who sees a course sees its reviews.
    flagged: whether a review has flags that no moderation has dealt with.
    search: words, each of which the title or the text must contain, ignoring case. Only the first
    MOST_SCANNED reviews of a list are searched.
    """

    statuses: Sequence[ReviewStatus]
    course_statuses: Sequence[CourseStatus] | None = None
    ratings: Sequence[int] | None = None
    verified_only: bool | None = None
    flagged: bool | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewListing(Listing):
    """A listing of reviews. Its first pages can be read using the review ids stored in the parents.

    carriers: the parents (courses or students), by `_id`; None if stored ids can't be used for this listing.
    """

    load: Loaders = field(kw_only=True)
    carriers: Mapping[ObjectId, Fields] | None = None

    async def pages(self, parents: Sequence[Value], window: Window) -> list[Page]:
        """Like Listing.pages, but uses the stored review ids if they are sufficient for every page.

        In that case, one command reads the reviews. A second command reads the status of their courses, if
        courses can be hidden. Pages from which a review has been deleted or hidden are read by Listing.pages.
        """
        carried = self._carried(parents, window)
        if carried is None:
            return await Listing.pages(self, parents, window)
        rows = await self._rows([stored.ids for stored in carried])
        answered = [
            None
            if row is None
            else Page(self, parent, row[: window.limit], has_next=stored.more, has_previous=False)
            for parent, stored, row in zip(parents, carried, rows, strict=True)
        ]
        unanswered = [parent for parent, page in zip(parents, answered, strict=True) if page is None]
        listed = iter(await Listing.pages(self, unanswered, window) if unanswered else ())
        return [page or next(listed) for page in answered]

    def _carried(self, parents: Sequence[Value], window: Window) -> "list[_Carried] | None":
        """Returns the stored review ids for each parent's page.

        Returns None if the stored ids aren't sufficient for every page.
        """
        if self.carriers is None or window != Window(window.limit):
            return None
        # If courses can be hidden, the stored ids don't tell whether there is a next page, because the next
        # review might belong to a hidden course. So that review is fetched too, if the operation might
        # request `pageInfo`.
        asked = self.load.looked_beyond is None or "reviews" in self.load.looked_beyond
        most = window.limit + 1 if self.course is not None and asked else window.limit
        carried = []
        for parent in parents:
            stored: Value = NO_IDS if parent is None else self.carriers[parent].get("newestReviewIds")
            count = count_ids(stored)
            if count is None or NEWEST <= count <= window.limit:
                return None
            carried.append(_Carried(unpack_ids(stored, most), window.limit < count))
        return carried

    async def _rows(self, ids: Sequence[Sequence[ObjectId]]) -> list[list[ReviewDoc] | None]:
        """Returns each parent's reviews, or None for a parent if any of its reviews is deleted or hidden."""
        found = await self.load.review_by_id([i for of_parent in ids for i in of_parent])
        shown = [review is not None and review["status"] == "PUBLISHED" for review in found]
        if self.course is not None:
            courses = await self.load.course_status_by_id([review and review["courseId"] for review in found])
            shown = [
                review and course is not None and course["status"] == "PUBLISHED"
                for review, course in zip(shown, courses, strict=True)
            ]
        rows: list[Stored] = []
        start = 0
        for of_parent in ids:
            end = start + len(of_parent)
            rows.append(found[start:end] if all(shown[start:end]) else None)
            start = end
        return rows


class _Carried(NamedTuple):
    """The stored review ids for a page, and whether more reviews follow."""

    ids: list[ObjectId]
    more: bool


#: Matches the reviews with flags that no moderation has dealt with; a partial index has the same condition.
FLAGGED: Filter = {"flagCount": {"$gt": 0}}
#: All published reviews, of any course. `newestReviewIds` contains ids of these reviews.
PUBLIC = ReviewCriteria(statuses=("PUBLISHED",))
#: The criteria of the review lists that can be read using `newestReviewIds`.
_CARRIED = (PUBLIC, ReviewCriteria(statuses=("PUBLISHED",), course_statuses=("PUBLISHED",)))


def listing(
    load: Loaders,
    criteria: ReviewCriteria,
    parent: ReviewParent | None,
    field: ReviewOrderField = "NEWEST",
    *,
    descending: bool = True,
    parents: Sequence[Fields | None] | None = None,
) -> ReviewListing:
    """Lists the reviews of each course or each student, or all reviews if `parent` is None.

    parents: the courses or students whose reviews will be listed. If given, the review ids stored in them are
    used where possible.
    """
    course: Filter | None = None
    if criteria.course_statuses is not None:
        course = {"status": {"$in": list(criteria.course_statuses)}}
    carriers = None
    if parents is not None and criteria in _CARRIED and field == "NEWEST" and descending:
        carriers = {p["_id"]: p for p in parents if p is not None}
    return ReviewListing(
        load.database["reviews"],
        _parts(criteria),
        ORDERS[field]._replace(descending=descending),
        parent,
        course=course,
        scanned=None
        if criteria.search is None or is_blank(criteria.search)
        else _containing(criteria.search),
        load=load,
        carriers=carriers,
    )


async def of_student(
    database: Database,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None = None,
) -> list[ReviewDoc | None]:
    """Returns the student's review of each course, or None, in the order of the courses.

    Sends one command.
    """
    found = await _of_courses(database, "reviews", student_id, courses, including(projection, "courseId"))
    note_read(database["reviews"], found)
    found = fitting("reviews", including(projection, "courseId"))(found)
    by_course = {review["courseId"]: review for review in found}
    return [by_course.get(course) for course in courses]


async def can_review(database: Database, student_id: ObjectId, courses: Sequence[ObjectId]) -> list[bool]:
    """Returns, for each course, whether the student is or was enrolled in it but has not reviewed it.

    Sends two commands.
    """
    projection = {"courseId": 1, "status": 1}
    reviews = await _of_courses(database, "reviews", student_id, courses, projection)
    enrollments = await _of_courses(database, "enrollments", student_id, courses, projection)
    reviewed = {review["courseId"] for review in reviews}
    taken = {e["courseId"] for e in enrollments if e.get("status") in COUNTED_ENROLLMENTS}
    return [course in taken and course not in reviewed for course in courses]


async def votes(database: Database, student_id: ObjectId, reviews: Sequence[ObjectId]) -> list[bool]:
    """Returns, for each review, whether the student voted it helpful. Sends one command."""
    keys = [{"reviewId": review, "studentId": student_id} for review in dict.fromkeys(reviews)]
    found = await find(database["votes"], {"_id": {"$in": keys}}, size=len(keys))
    voted = {vote["_id"]["reviewId"] for vote in found}
    return [review in voted for review in reviews]


async def _of_courses(
    database: Database,
    collection: str,
    student_id: ObjectId,
    courses: Sequence[ObjectId],
    projection: Projection | None,
) -> list[Stored]:
    query = {"studentId": student_id, "courseId": {"$in": list(dict.fromkeys(courses))}}
    return await find(database[collection], query, size=2 * len(courses), projection=projection)


def _parts(criteria: ReviewCriteria) -> dict[str, Filter]:
    parts: dict[str, Filter] = {"statuses": {"status": {"$in": list(criteria.statuses)}}}
    if criteria.ratings is not None:
        parts["ratings"] = {"rating": {"$in": list(criteria.ratings)}}
    if criteria.verified_only:
        parts["verifiedOnly"] = {"verified": True}
    if criteria.flagged is not None:
        parts["flagged"] = FLAGGED if criteria.flagged else {"flagCount": {"$not": {"$gt": 0}}}
    return parts


def _containing(search: str) -> Filter:
    """Returns a filter for the reviews whose title or text contains each word of a search.

    Null characters separate words, because no pattern can contain one. A search without words finds nothing.
    """
    words = dict.fromkeys(search.replace("\0", " ").split())
    patterns = [{"$regex": escape(word), "$options": "i"} for word in words]
    found = all_of(*({"$or": [{"title": pattern}, {"body": pattern}]} for pattern in patterns))
    return found or {"_id": {"$in": []}}
