"""Turns records into documents, replacing the names of courses, authors and categories with references."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bson import ObjectId

from app.importing.importable_fields import Fields, Importable
from loaders.model import MOST_CATEGORIES, MOST_OF_COURSE, MOST_PREREQUISITES
from loaders.text import slugify
from loaders.transfer import Incoming, Reference, References

_LIST_NAMES = {
    "codes": "codes", "tags": "tags", "instructorIds": "instructors", "deliveryModes": "delivery modes",
}  # fmt: skip


@dataclass(slots=True)
class Record:
    """The normalised fields of a row, keyed by their names in the mapping."""

    row: int
    fields: Fields


@dataclass(slots=True)
class Unlinked:
    """A record that can't be turned into a document, with the reason."""

    row: int
    reason: str


Linked = Incoming | Unlinked


def too_many_categories(name: str) -> str:
    """Returns the reason for rejecting a row whose category would exceed the limit."""
    return f"category: “{name}” would exceed the limit of {MOST_CATEGORIES} categories"


SHARED_CODE = "course: several courses have the code; the oldest is used"


class Linker:
    """Turns the records of one import into documents, a batch at a time.

    `notes` counts the problems that do not prevent a row from being imported, by message.
    """

    def __init__(self, references: References, collection: Importable, source: str) -> None:
        self.notes: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._references, self._source = references, source
        self._link = {
            "courses": self._courses,
            "students": self._students,
            "reviews": self._reviews,
            "enrollments": self._enrollments,
        }[collection]

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        """Turns each record, in order, into a document, or into an Unlinked if it can't be imported."""
        return await self._link(records)

    async def after(self, records: Sequence[Record]) -> None:
        """Does nothing. Only Restorer needs this step, to import course runs."""

    async def _courses(self, records: Sequence[Record]) -> list[Linked]:
        fields = [record.fields for record in records]
        categories = await self._references.categories(f["category"] for f in fields if f.get("category"))
        instructors = await self._references.instructors(
            n for f in fields for n in f.get("instructors") or ()
        )
        return [self._course(record, categories, instructors) for record in records]

    def _course(
        self, record: Record, categories: Mapping[str, str], instructors: Mapping[str, ObjectId]
    ) -> Linked:
        incoming = self._incoming(record)
        fields = incoming.fields
        if "category" in fields:
            name = fields.pop("category")
            fields["categorySlug"] = categories.get(name)
            if name and name not in categories and slugify(name):
                return Unlinked(record.row, too_many_categories(name))
        if "instructors" in fields:
            fields["instructorIds"] = [instructors[name] for name in fields.pop("instructors") or ()]
        if "rating" in fields:
            fields["importedRating"] = fields.pop("rating")
        if "students" in fields:
            fields["importedStudentCount"] = fields.pop("students")
        if "prerequisites" in fields:
            incoming.prerequisites = self._prerequisites(fields.pop("prerequisites") or ())
        if "slug" in fields:  # only set when the course is created, because changing a slug would break links
            incoming.new["slug"] = fields.pop("slug")
        for name, size in MOST_OF_COURSE.items():
            if len(fields.get(name) or ()) > size:
                self._note_length(size, _LIST_NAMES[name])
        return incoming

    def _prerequisites(self, names: Sequence[str]) -> Sequence[str]:
        if len(names) > MOST_PREREQUISITES:
            self._note_length(MOST_PREREQUISITES, "prerequisites")
        return names[:MOST_PREREQUISITES]

    def _note_length(self, most: int, noun: str) -> None:
        self.notes[f"more than {most} {noun}: only the first {most} are kept"] += 1

    async def _students(self, records: Sequence[Record]) -> list[Linked]:
        return [self._incoming(record) for record in records]

    async def _reviews(self, records: Sequence[Record]) -> list[Linked]:
        courses = await self._references.courses(_named(records, "course"))
        students = await self._references.students(_named(records, "student"))
        linked = [self._review(record, courses, students) for record in records]
        await self._verify([review for review in linked if isinstance(review, Incoming)])
        return linked

    def _review(
        self, record: Record, courses: Mapping[Reference, Fields], students: Mapping[Reference, ObjectId]
    ) -> Linked:
        course = courses.get(record.fields["course"])
        if course is None:
            return Unlinked(record.row, f"course: there is no course “{record.fields['course']}”")
        self._tell_shared(record)
        if _is_blank(record.fields):
            return Unlinked(record.row, "the review has neither text nor a rating")
        incoming = self._incoming(record)
        del incoming.fields["course"]
        incoming.fields["courseId"] = course["_id"]
        if "helpfulCount" in incoming.fields:
            incoming.fields["importedHelpfulCount"] = incoming.fields.pop("helpfulCount")
        if "student" in incoming.fields:
            name = incoming.fields.pop("student")
            incoming.fields["studentId"] = students.get(name)
            if name and name not in students:
                self.notes["unknown author: the review is kept without an author"] += 1
        return incoming

    async def _verify(self, reviews: Sequence[Incoming]) -> None:
        """Marks new reviews as verified if their student is enrolled in the course at import time."""
        with_students = [
            (r, (r.fields["studentId"], r.fields["courseId"])) for r in reviews if r.fields.get("studentId")
        ]
        enrolled = await self._references.enrolled({pair for _, pair in with_students})
        for review, pair in with_students:
            review.new["verified"] = pair in enrolled

    def _tell_shared(self, record: Record) -> None:
        if record.fields["course"] in self._references.shared:
            self.notes[SHARED_CODE] += 1

    async def _enrollments(self, records: Sequence[Record]) -> list[Linked]:
        courses = await self._references.courses(_named(records, "course"))
        students = await self._references.students(_named(records, "student"))
        return [self._enrollment(record, courses, students) for record in records]

    def _enrollment(
        self, record: Record, courses: Mapping[Reference, Fields], students: Mapping[Reference, ObjectId]
    ) -> Linked:
        course, student = courses.get(record.fields["course"]), students.get(record.fields["student"])
        if course is None:
            return Unlinked(record.row, f"course: there is no course “{record.fields['course']}”")
        if student is None:
            return Unlinked(record.row, f"student: there is no student “{record.fields['student']}”")
        self._tell_shared(record)
        incoming = self._incoming(record)
        del incoming.fields["course"], incoming.fields["student"]
        incoming.fields |= {"courseId": course["_id"], "studentId": student}
        return incoming

    def _incoming(self, record: Record) -> Incoming:
        return Incoming(record.row, (self._source, record.fields.pop("id")), record.fields)


def _named(records: Sequence[Record], field: str) -> Iterable[str]:
    return (name for record in records if (name := record.fields.get(field)))


def _is_blank(fields: Fields) -> bool:
    """Returns whether a review has neither text nor a rating.

    Returns False if the mapping includes neither field, because such an import only updates existing reviews.
    """
    mapped = "body" in fields or "rating" in fields
    return mapped and not fields.get("body") and fields.get("rating") is None
