"""Links imported courses with their prerequisites, once all courses of the file are stored.

A row can refer to a course further down in its file. A prerequisite that requires the course itself, directly
or through other courses, is left out, because the file doesn't say which course of such a cycle comes first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

from bson import ObjectId
from pymongo import UpdateOne

from loaders.mongo import Database, Document, Fields, find, now
from loaders.text import slugify
from loaders.transfer.course_graph import CourseGraph
from loaders.transfer.imports import Incoming, Kind, Reference
from loaders.transfer.references import References
from loaders.transfer.seen_keys import Seen
from loaders.transfer.spool import Spool

#: Identifies a course: its `_id` or, in a dry run, the row number of a course that doesn't exist yet.
_Node: TypeAlias = ObjectId | int

_BATCH = 1_000  # number of courses that are linked at a time
_LONGEST = 500  # maximum length of a reference in characters; longer ones are not looked up
_UNKNOWN = "prerequisite left out: there is no such course"
_SHARED = "prerequisite: several courses have the code; the oldest is used"
_ITSELF = "prerequisite left out: it is the course itself"
_LEADS_BACK = "prerequisite left out: it requires the course itself, directly or through others"


class Linked(NamedTuple):
    """The result of linking.

    changed: the number of courses in which only the prerequisites changed. notes: the number of references
    that were left out or are ambiguous, by reason. examples: the first such reference, by reason.
    """

    changed: int
    notes: Counter[str]
    examples: Mapping[str, str]


class Prerequisites:
    """The prerequisites of the courses of one import, kept in a temporary file until they are linked.

    If `write` is False, nothing is written.
    """

    def __init__(self, database: Database, source: str, *, write: bool = True) -> None:
        self._courses, self._write = database["courses"], write
        self._references = References(database, source, write=False)
        self._rows = Seen()  # in a dry run, the row numbers of the file's courses by id, slug and code
        self._waiting = Spool()
        self._notes: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.__exit__(kind, error, trace)

    def add(self, course: Incoming, outcome: Kind) -> None:
        """Adds a course with its prerequisites, unless it was rejected or a duplicate.

        outcome: what the import did with the course.
        """
        if course.prerequisites is None or outcome in ("rejected", "duplicate"):
            return
        if not self._write:
            self._remember(course)
        references = [r[: _LONGEST + 1] if isinstance(r, str) else r for r in course.prerequisites]
        self._waiting.add(
            {
                "key": course.key, "row": course.row, "references": references,
                "isUnchanged": outcome == "unchanged", "isDated": "updatedAt" in course.fields,
            }
        )  # fmt: skip

    async def link(self) -> Linked:
        """Stores the prerequisites of all courses that were added."""
        changed, graph = 0, CourseGraph()
        with Spool() as resolved:
            for batch in self._waiting.batches(_BATCH):
                for course in await self._resolved(batch):
                    graph.add(course["node"], course["targets"])
                    resolved.add(course)
            await self._add_stored(graph, resolved)
            graph.find_cycles()
            for batch in resolved.batches(_BATCH):
                changed += await self._store(batch, graph)
        return Linked(changed, self._notes, self._examples)

    def _remember(self, course: Incoming) -> None:
        if isinstance(course.key, tuple):
            self._rows.add(("id", course.key[1]), course.row)
        slug = course.new.get("slug") or slugify(course.fields.get("title") or "")
        for name in (slug, *(course.fields.get("codes") or ())):
            self._rows.add(("name", name), course.row)

    async def _resolved(self, batch: Sequence[Document]) -> list[Document]:
        """Returns the courses with their new prerequisites (`targets`) and their present ones (`stored`)."""
        keys = [_reference(waiting["key"]) for waiting in batch]
        references = [list(map(_reference, waiting["references"])) for waiting in batch]
        wanted = {r for of in references for r in of if not isinstance(r, str) or len(r) <= _LONGEST}
        stored = await self._references.course_fields(keys, {"prerequisiteIds": 1})
        found = await self._references.courses(wanted)
        return [
            self._course(waiting, stored.get(key), of, found)
            for waiting, key, of in zip(batch, keys, references, strict=True)
        ]

    def _course(
        self,
        waiting: Document,
        stored: Fields | None,
        references: Sequence[Reference],
        found: Mapping[Reference, Fields],
    ) -> Document:
        node: _Node = stored["_id"] if stored else waiting["row"]
        targets: dict[_Node, str] = {}
        for reference in references:
            target, shown = self._target(reference, found), _shown(reference)
            if target is None:
                self._note(_UNKNOWN, shown, waiting["key"])
            elif target == node:
                self._note(_ITSELF, shown, waiting["key"])
            else:
                if reference in self._references.shared:
                    self._note(_SHARED, shown, waiting["key"])
                targets.setdefault(target, shown)
        return {
            **waiting, "node": node, "targets": list(targets), "names": list(targets.values()),
            "stored": stored.get("prerequisiteIds", []) if stored else [],
        }  # fmt: skip

    def _target(self, reference: Reference, found: Mapping[Reference, Fields]) -> _Node | None:
        """Returns the course that a reference means, or None. An id takes precedence over a slug or a code.

        In a dry run, a course that would be created is identified by its row number.
        """
        course = found.get(reference)
        own = self._rows.row(("id", reference))
        if own is not None and not (course and "externalId" in course):
            return own
        return course["_id"] if course else self._rows.row(("name", reference))

    async def _add_stored(self, graph: CourseGraph, resolved: Spool) -> None:
        """Adds the stored prerequisites of the courses that can be reached from courses in the file."""
        queue, queued = bytearray(), Seen()

        def enqueue(courses: Iterable[object]) -> None:
            for course in courses:
                if isinstance(course, ObjectId) and not graph.has(course) and queued.row(course) is None:
                    queued.add(course, 1)
                    queue.extend(course.binary)

        for batch in resolved.batches(_BATCH):
            for course in batch:
                enqueue(course["targets"])
        while queue:
            some = bytes(queue[-12 * _BATCH :])
            del queue[-12 * _BATCH :]
            ids = [ObjectId(some[start : start + 12]) for start in range(0, len(some), 12)]
            projection = {"prerequisiteIds": 1}
            for course in await find(
                self._courses, {"_id": {"$in": ids}}, size=len(ids), projection=projection
            ):
                needed = course.get("prerequisiteIds")
                targets = needed if isinstance(needed, list) else []
                graph.add(course["_id"], [target for target in targets if isinstance(target, ObjectId)])
                enqueue(targets)

    async def _store(self, batch: Sequence[Document], graph: CourseGraph) -> int:
        updates, changed = [], 0
        for course in batch:
            kept = self._without_cycles(course, graph)
            if kept == course["stored"]:
                continue
            changed += course["isUnchanged"]
            if isinstance(course["node"], ObjectId):
                touch = course["isUnchanged"] and not course["isDated"]
                fields = {"prerequisiteIds": kept, **({"updatedAt": now()} if touch else {})}
                updates.append(UpdateOne({"_id": course["node"]}, {"$set": fields}))
        if updates and self._write:
            await self._courses.bulk_write(updates, ordered=False)
        return changed

    def _without_cycles(self, course: Document, graph: CourseGraph) -> list[_Node]:
        kept = []
        for target, shown in zip(course["targets"], course["names"], strict=True):
            if graph.leads_back(course["node"], target):
                self._note(_LEADS_BACK, shown, course["key"])
            else:
                kept.append(target)
        return kept

    def _note(self, note: str, shown: str, key: object) -> None:
        """Counts a reference that was left out or is ambiguous. Keeps one of each kind as an example."""
        self._notes[note] += 1
        if note not in self._examples:
            self._examples[note] = f"“{shown}” of “{_shown(_reference(key))}”"


def _reference(stored: object) -> Reference:
    """Converts a reference from the temporary file to its original type. A pair is stored as a list."""
    if isinstance(stored, list | tuple):
        source, name = stored
        return str(source), str(name)
    return stored if isinstance(stored, ObjectId) else str(stored)


def _shown(reference: Reference) -> str:
    text = reference[1] if isinstance(reference, tuple) else str(reference)
    return text if len(text) <= 60 else f"{text[:59]}…"
