"""A database with everything that can be requested from it: IDs, words, cursors and viewers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bson import ObjectId
from structlog.testing import capture_logs

from app.execution import Operation, Prepared
from loaders.collections import with_types
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import ids
from tests.execution.engines import executor
from tests.execution.tree import EnumName, Value, print_value
from tests.support import request_for

STAFF = Viewer(roles=frozenset({"STAFF"}))
SOME = 60  # documents of each collection whose values are used
CURSORS = 4  # cursors of each list

_REFERENCE = executor(compiled=False)

#: For an argument or a member of a filter, the collection and field with its values.
_WORDS = {
    "categories": ("courses", "categorySlug"),
    "tags": ("courses", "tags"),
    "languages": ("courses", "language"),
    "institutions": ("courses", "institution"),
    "countries": ("students", "country"),
}

_COURSE_ORDERS = ["RELEVANCE", "RATING", "POPULARITY", "NEWEST", "TITLE", "DURATION", "PRICE"]
_REVIEW_ORDERS = ["NEWEST", "HELPFUL", "RATING"]

#: For a type and one of its lists, the fields that the list can be ordered by.
LISTS: Mapping[tuple[str, str], Sequence[str]] = {
    ("Query", "courses"): _COURSE_ORDERS,
    ("Query", "students"): [],
    ("Query", "instructors"): [],
    ("Query", "accounts"): [],
    ("Query", "reviews"): _REVIEW_ORDERS,
    ("Query", "auditLog"): [],
    ("Viewer", "wishlist"): [],
    ("Category", "courses"): _COURSE_ORDERS,
    ("Instructor", "courses"): [],
    ("Course", "runs"): [],
    ("Course", "reviews"): _REVIEW_ORDERS,
    ("Course", "enrollments"): [],
    ("CourseRun", "enrollments"): [],
    ("Student", "reviews"): _REVIEW_ORDERS,
    ("Student", "enrollments"): [],
}


class Marked(NamedTuple):
    """A cursor, with the arguments of the list that it belongs to."""

    arguments: dict[str, Value]
    cursor: str


@dataclass(frozen=True)
class Site:
    """A database and values for requests. ids: global IDs by type. words: values by argument. marked: cursors
    by type and list.
    """

    name: str
    database: Database
    ids: Mapping[str, Sequence[str]]
    slugs: Mapping[str, Sequence[str]]
    words: Mapping[str, Sequence[str]]
    marked: Mapping[tuple[str, str], Sequence[Marked]]
    viewers: Sequence[Viewer]

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """A short text: Hypothesis prints what it drew from, and the full text is long."""
        printer.text(f"<{self.name}>")


async def survey(name: str, database: Database) -> Site:
    """Collects what can be requested from a database, in whatever state its documents are."""
    found = {
        c: await database[c].find({}, limit=SOME).to_list(None) for c in (row.name for row in with_types())
    }
    own = {
        str(row.type_name): [ids.encode_id(str(row.type_name), d) for d in found[row.name]]
        for row in with_types()
    }
    slugs = {c: _texts(d.get("slug") for d in found[c]) for c in ("courses", "categories", "instructors")}
    words = {w: _texts(_flat(d.get(field) for d in found[c])) for w, (c, field) in _WORDS.items()}
    titles = _texts(d.get(key) for c, key in (("courses", "title"), ("students", "name")) for d in found[c])
    words |= {"instructors": own["Instructor"], "runs": own["CourseRun"]}
    words["search"] = [word for title in titles for word in title.split()]
    viewers = _viewers(found)
    wisher = next((viewer for viewer in viewers if viewer.student_id), STAFF)
    marked = {}
    for kind, list_ in LISTS:
        viewer = wisher if kind == "Viewer" else STAFF
        marked[kind, list_] = await _marked(database, kind, list_, own.get(kind, [])[:6], viewer)
    return Site(name, database, own, slugs, words, marked, viewers)


def _texts(values: Any) -> list[str]:
    return list(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _viewers(found: Mapping[str, list[Any]]) -> list[Viewer]:
    """The viewers: the public, staff, some students with enrolments or reviews, an instructor of hidden
    courses, and somebody who is student and instructor.
    """
    payload = [d.get("studentId") for d in (*found["enrollments"][:2], *found["reviews"][:1])]
    hidden = [course for course in found["courses"] if course.get("status") != "PUBLISHED"]
    teachers = [i for course in hidden for i in _listed(course.get("instructorIds"))]
    students = list(dict.fromkeys(i for i in payload if isinstance(i, ObjectId)))
    instructors = (teachers or [instructor["_id"] for instructor in found["instructors"]])[:1]
    return [
        *[PUBLIC] * 2,
        *[STAFF] * 4,
        *(Viewer(frozenset({"STUDENT"}), student_id=student) for student in students),
        *(Viewer(frozenset({"INSTRUCTOR"}), instructor_id=instructor) for instructor in instructors),
        *(
            Viewer(frozenset({"STUDENT", "INSTRUCTOR"}), *both)
            for both in zip(students, instructors, strict=False)
        ),
    ]


def _listed(ids: Any) -> list[ObjectId]:
    return [i for i in ids if isinstance(i, ObjectId)] if isinstance(ids, list) else []


async def _marked(
    database: Database, kind: str, name: str, own: Sequence[str], viewer: Viewer
) -> list[Marked]:
    """Cursors of a list in each of its orders, as a viewer gets them. own: IDs of some parents."""
    directed = [(order, direction) for order in LISTS[kind, name] for direction in ("ASC", "DESC")]
    orders = [{"orderBy": {"field": EnumName(o), "direction": EnumName(d)}} for o, d in directed]
    marked = []
    for order in [{}, *orders]:
        arguments: dict[str, Value] = order | ({"upcomingOnly": False} if name == "runs" else {})
        prepared = _REFERENCE.prepare(Operation(_listing(kind, name, arguments), {"ids": list(own)}))
        assert isinstance(prepared, Prepared), prepared
        with capture_logs():
            answer = await _REFERENCE.run(prepared, request_for(database, viewer))
        marked += [Marked(arguments, cursor) for cursor in _cursors(answer.payload)]
    return marked


def _listing(kind: str, name: str, arguments: Mapping[str, Value]) -> str:
    given = ", ".join(f"{key}: {print_value(value)}" for key, value in arguments.items())
    wanted = f"{name}(first: {CURSORS}{', ' if given else ''}{given}) {{ edges {{ cursor }} }}"
    if kind == "Query":
        return f"{{ {wanted} }}"
    if kind == "Viewer":
        return f"{{ viewer {{ {wanted} }} }}"
    return f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {wanted} }} }} }}"


def _cursors(payload: Any) -> Iterator[str]:
    """Every value under the key `cursor` in an answer."""
    if isinstance(payload, list):
        for item in payload:
            yield from _cursors(item)
    if isinstance(payload, dict):
        for key, value in payload.items():
            if key == "cursor":
                yield value
            else:
                yield from _cursors(value)
