"""Turns records of categories, instructors and course runs into documents."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import get_args

from app.importing.importable_fields import Fields, Importable
from app.importing.importer import Linker
from app.importing.linking import SHARED_CODE, Linked, Record, Unlinked
from app.importing.mapping import quoted
from app.importing.values import UNLIMITED, kind_of_place
from loaders.model import DeliveryMode
from loaders.mongo import Database
from loaders.text import slugify
from loaders.transfer import CategoryRows, Incoming, InstructorRows, Reference, References

_BY_TITLE = "the course is found by its title"
_NO_SEATS = "no number of seats: a new run has unlimited seats, a stored one keeps its number"
_NO_MODE = "no delivery mode: a new run is {} {}, a stored one keeps its mode"
_BACKWARDS = "end left out: it is not after the start"


class CategoryLinker:
    """Turns records of categories into documents."""

    def __init__(self, database: Database, source: str) -> None:
        self.notes: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._source, self._rows = source, CategoryRows(database)

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        return [await self._link(record) for record in records]

    async def after(self, records: Sequence[Record]) -> None:
        """Does nothing. Only Restorer needs this step, to import course runs."""

    async def _link(self, record: Record) -> Linked:
        incoming = _incoming(record, self._source)
        refusal = await self._rows.place(incoming)
        return Unlinked(record.row, refusal) if refusal else incoming


class InstructorLinker:
    """Turns records of instructors into documents."""

    def __init__(self, database: Database, source: str) -> None:
        self._source, self._rows = source, InstructorRows(database, source)
        self.notes = self._rows.notes
        self.examples: dict[str, str] = {}

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        linked = [_incoming(record, self._source) for record in records]
        await self._rows.place(linked)
        return list(linked)

    async def after(self, records: Sequence[Record]) -> None:
        """Does nothing. Only Restorer needs this step, to import course runs."""


class RunLinker:
    """Turns records of course runs into documents."""

    def __init__(self, database: Database, source: str) -> None:
        self.notes: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._source, self._references = source, References(database, source)

    async def link(self, records: Sequence[Record]) -> list[Linked]:
        names = [record.fields["course"] for record in records]
        courses = await self._references.courses(names)
        by_title = await self._references.courses(_slugs(name for name in names if name not in courses))
        return [self._run(record, courses, by_title) for record in records]

    async def after(self, records: Sequence[Record]) -> None:
        """Does nothing. Only Restorer needs this step, to import course runs."""

    def _run(
        self, record: Record, courses: Mapping[Reference, Fields], by_title: Mapping[Reference, Fields]
    ) -> Linked:
        incoming = _incoming(record, self._source)
        fields = incoming.fields
        name = fields.pop("course")
        course = courses.get(name)
        if course is None:
            if (course := by_title.get(slugify(name))) is None:
                return Unlinked(record.row, f"course: there is no course “{name}”")
            self.notes[_BY_TITLE] += 1
        elif name in self._references.shared:
            self.notes[SHARED_CODE] += 1
        fields["courseId"] = course["_id"]
        self._set_end(fields)
        self._set_seats(fields)
        if fields.get("deliveryMode") is None:
            self._assume_mode(incoming, course)
        return incoming

    def _assume_mode(self, incoming: Incoming, course: Fields) -> None:
        """Gives a new run a delivery mode, and notes the reason with an example of a place."""
        place = incoming.fields.get("location")
        mode, reason = _assumed_mode(course, place)
        incoming.new["deliveryMode"] = mode
        note = _NO_MODE.format(mode, reason)
        self.notes[note] += 1
        if place:
            self.examples.setdefault(note, quoted(place))

    def _set_end(self, fields: Fields) -> None:
        """Discards an end date that is not after the start date."""
        if (end := fields.get("endsAt")) is not None and end <= fields["startsAt"]:
            self.notes[_BACKWARDS] += 1
            fields["endsAt"] = None

    def _set_seats(self, fields: Fields) -> None:
        """Keeps the stored number of seats if the cell is empty, because null would mean unlimited."""
        if "seats" not in fields:
            return
        if fields["seats"] == UNLIMITED:
            fields["seats"] = None
        elif fields["seats"] is None:
            del fields["seats"]
            self.notes[_NO_SEATS] += 1


CATALOGUE_LINKERS: Mapping[Importable, Callable[[Database, str], Linker]] = {
    "categories": CategoryLinker,
    "instructors": InstructorLinker,
    "courseRuns": RunLinker,
}


def _incoming(record: Record, source: str) -> Incoming:
    return Incoming(record.row, (source, record.fields.pop("id")), record.fields)


def _slugs(names: Iterable[str]) -> list[str]:
    return [slug for name in names if (slug := slugify(name))]


def _assumed_mode(course: Fields, place: str | None) -> tuple[DeliveryMode, str]:
    """Returns the delivery mode to assume for a run whose row has none, and the reason.

    It is ONLINE if the place can only be online, such as "Zoom". Otherwise it is the course's mode if the
    course has only one, or else a mode that fits the place.
    """
    kind = kind_of_place(place) if place else None
    if kind == "online":
        return "ONLINE", "by its place"
    modes = [mode for mode in get_args(DeliveryMode) if mode in (course.get("deliveryModes") or ())]
    if len(modes) == 1:
        return modes[0], "like its course"
    if kind == "unclear":
        return "ONLINE", "because its place is a URL, or names something online among other words"
    return ("ONSITE", "because it has a place") if kind else ("ONLINE", "because it has no place")
