"""The documents that are hidden from some viewers, and every query that could reveal one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.permissions import world
from tests.permissions.world import Document, global_id


class Way(NamedTuple):
    """A query that could reveal a hidden document. keys: the path in `data` to the document, or into it."""

    name: str
    query: str
    keys: tuple[str, ...]


def _by_id(what: str, type_name: str, document: Document, *fields: str) -> list[Way]:
    node_id = global_id(type_name, document)
    by_one = [
        Way(f"{what} by {field}", f'{{ {field}(id: "{node_id}") {{ __typename }} }}', (field,))
        for field in ("node", *fields)
    ]
    return [*by_one, Way(f"{what} by nodes", f'{{ nodes(ids: ["{node_id}"]) {{ id }} }}', ("nodes", "id"))]


def _course(what: str, document: Document) -> list[Way]:
    by_slug = [
        Way(f"{what} by {name}", f'{{ course(slug: "{slug}") {{ title }} }}', ("course",))
        for name, slug in (("slug", document["slug"]), ("former slug", document["oldSlugs"][0]))
    ]
    return [*_by_id(what, "Course", document, "course"), *by_slug]


def _list(name: str) -> list[Way]:
    """Returns the ways to a list of the draft course, and to the length of the list."""
    query = f'{{ course(slug: "draft") {{ {name} {{ totalCount nodes {{ id }} }} }} }}'
    paths = ("nodes", "id"), ("totalCount",)
    return [Way(f"{name} {keys[0]}", query, ("course", name, *keys)) for keys in paths]


#: Name of a rule -> the ways to the documents that it protects.
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
    "Query.accounts": _by_id("account", "Account", world.accounts["someone"]),
}
