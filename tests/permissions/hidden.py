"""The kinds of documents that are hidden from some, and every way to ask for one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.permissions import world
from tests.permissions.world import Document, global_id


class Way(NamedTuple):
    """A query, and where in its answer the document is, or something of it."""

    name: str
    query: str
    keys: tuple[str, ...]


def _by_id(what: str, type_name: str, document: Document, *fields: str) -> list[Way]:
    own = global_id(type_name, document)
    by_one = [
        Way(f"{what} by {field}", f'{{ {field}(id: "{own}") {{ __typename }} }}', (field,))
        for field in ("node", *fields)
    ]
    return [*by_one, Way(f"{what} by nodes", f'{{ nodes(ids: ["{own}"]) {{ id }} }}', ("nodes", "id"))]


def _course(what: str, document: Document) -> list[Way]:
    by_slug = f'{{ course(slug: "{document["slug"]}") {{ title }} }}'
    return [*_by_id(what, "Course", document, "course"), Way(f"{what} by slug", by_slug, ("course",))]


def _list(name: str) -> list[Way]:
    """A list of the draft's, and its length."""
    query = f'{{ course(slug: "draft") {{ {name} {{ totalCount nodes {{ id }} }} }} }}'
    told = ("nodes", "id"), ("totalCount",)
    return [Way(f"{name} {keys[0]}", query, ("course", name, *keys)) for keys in told]


#: The rule -> the ways to what it is about.
HIDDEN: Mapping[str, Sequence[Way]] = {
    "Course.draft": [
        *_course("draft", world.draft),
        *_course("archived", world.archived),
        *_by_id("run", "CourseRun", world.hidden_run),
        *_by_id("review", "Review", world.hidden_review, "review"),
        *_list("runs"),
        *_list("reviews"),
    ],
    "Review.unpublished": _by_id("pending", "Review", world.pending, "review"),
    "Enrollment": _by_id("place", "Enrollment", world.place),
}
