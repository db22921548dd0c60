"""Lists courses, with or without a search. A search that finds nothing is tried again with similar words."""

from collections.abc import Sequence
from typing import Any, Literal

from strawberry.dataloader import DataLoader

import loaders.category
import loaders.course
import loaders.course_search
from loaders.course import CourseCriteria, FacetCount, Facets, Range
from loaders.model import CourseStatus, Document
from loaders.reading import Listing, Page
from loaders.text import has_words
from resolvers import access
from resolvers.context import Context
from resolvers.cursors import ParentKey
from resolvers.fields import private_future
from resolvers.inputs import CourseFilter, CourseOrder
from resolvers.relay import (
    ConnectionDoc,
    CursorScope,
    Slice,
    allowed,
    by_listing,
    connections,
    decode_id_as,
    effective_criteria,
    ordering,
    searched_for,
    set_fields,
)
from resolvers.values import label

#: The field of a course that refers to the parent object of the list, or None if the list has no parent.
Parent = Literal["categorySlug", "instructorIds"] | None

#: The maximum number of different searches for which one request looks for similar words. For each search,
#: MongoDB looks up thousands of words.
MOST_CORRECTED = 5


async def course_connections(
    ctx: Context,
    filter: CourseFilter | None,
    order_by: CourseOrder | None,
    parents: Sequence[ParentKey | None],
    arguments: Slice,
    parent: Parent = None,
) -> list[Any]:  # Any, because an entry is a ConnectionDoc or an error, as in `connections`
    """Returns one connection per parent, in order, of the courses that the viewer is allowed to see.

    Sends one command. If the search finds nothing for some of the parents, sends at most two more: one looks
    for similar words in all courses that the viewer and the filter allow, and the other reads these parents'
    lists again with the similar words. The cursors of such a list contain the corrected search, so that the
    list's other pages can be fetched with one command each.
    """
    wanted = set_fields(filter)
    listing, scope = _listing(ctx, wanted, order_by, parent)
    text = wanted.get("search", "")
    if not has_words(text):
        return await connections(ctx, listing, parents, arguments, scope)
    if (replaced := searched_for(ctx, parents, arguments, scope)) is not None:
        listing, _ = _listing(ctx, wanted | {"search": replaced}, order_by, parent)
        return await connections(ctx, listing, parents, arguments, scope, replaced)
    found = await connections(ctx, listing, parents, arguments, scope)
    if arguments.after is not None or arguments.before is not None:
        return found
    empty = [
        p if _is_empty(connection["page"]) else None for p, connection in zip(parents, found, strict=True)
    ]
    if not any(empty) or (replaced := await _corrected(ctx, _statuses(ctx, wanted), text)) is None:
        return found
    listing, _ = _listing(ctx, wanted | {"search": replaced}, order_by, parent)
    again = await connections(ctx, listing, empty, arguments, scope, replaced)
    return [old if p is None else new for p, old, new in zip(empty, found, again, strict=True)]


async def facets(connections: Sequence[ConnectionDoc], ctx: Context) -> Sequence[Facets]:
    return await by_listing(connections, loaders.course.facets_by_parent)


async def facet_label(options: Sequence[FacetCount], ctx: Context) -> Sequence[str]:
    """Returns the labels of options. Sends one command if any of them are categories."""
    slugs = list(dict.fromkeys(one["value"] for one in options if one["facet"] == "categories"))
    names = await loaders.category.names_by_slug(ctx.loaders.database, slugs) if slugs else []
    by_slug = dict(zip(slugs, names, strict=True))
    return [
        (by_slug.get(one["value"]) if one["facet"] == "categories" else None) or label(one) for one in options
    ]


def course_listing(ctx: Context, parent: Parent) -> tuple[Listing, CursorScope]:
    """Returns the list of all courses that the viewer is allowed to see, and the scope of its cursors."""
    return _listing(ctx, {}, None, parent)


def _listing(
    ctx: Context, wanted: Document, order_by: CourseOrder | None, parent: Parent
) -> tuple[Listing, CursorScope]:
    order = ordering(order_by, "RELEVANCE")
    taught_by = access.as_instructor(ctx.viewer, "Course.draft") if parent == "instructorIds" else None
    ranges = {name: Range(**wanted[name]) for name in ("duration_days", "price_minor") if name in wanted}
    keywords: Document = wanted | ranges | {"statuses": _statuses(ctx, wanted)}
    if "instructors" in wanted:  # an ID of another type matches nothing
        ids = [decode_id_as("Instructor", one) for one in wanted["instructors"]]
        keywords["instructors"] = [one for one in ids if one is not None]
    criteria = CourseCriteria(**keywords, now=ctx.now, taught_by=taught_by)
    listing = loaders.course.listing(
        ctx.loaders.database, criteria, order.field, descending=order.descending, parent=parent
    )
    return listing, ("courses", parent, effective_criteria(wanted), order)


def _statuses(ctx: Context, wanted: Document) -> Sequence[CourseStatus]:
    return allowed(wanted.get("statuses"), access.course_statuses(ctx.viewer))


def _is_empty(page: Page) -> bool:
    """Returns whether the whole list is empty. With `first: 0`, a page is empty even if its list isn't."""
    return not (page.documents or page.has_next or page.has_previous)


async def _corrected(ctx: Context, statuses: Sequence[CourseStatus], text: str) -> str | None:
    """Returns the corrected search, or None. Equal searches in a request are corrected with one command."""
    key = (_Corrector.__call__, None)
    if (loader := ctx.levels.get(key)) is None:
        loader = ctx.levels[key] = DataLoader(_Corrector(ctx))
    replaced: str | None = await private_future(loader.load((text, tuple(statuses))))
    return replaced


class _Corrector:
    """Corrects the searches of one request, one after the other, up to MOST_CORRECTED of them.

    A call takes pairs of a search and a list of statuses. Words are replaced only by words of courses that
    have one of these statuses. The call returns one entry per pair, in order. An entry is None if no word is
    replaced, or if MOST_CORRECTED searches of the request have already been processed. If the correction of
    a search fails, its entry is the exception.
    """

    def __init__(self, ctx: Context) -> None:
        self._database = ctx.loaders.database
        self._left = MOST_CORRECTED

    async def __call__(
        self, searches: list[tuple[str, Sequence[CourseStatus]]]
    ) -> list[str | BaseException | None]:
        return [await self._one(text, statuses) for text, statuses in searches]

    async def _one(self, text: str, statuses: Sequence[CourseStatus]) -> str | BaseException | None:
        if not self._left:
            return None
        self._left -= 1
        try:
            return await loaders.course_search.corrected(self._database, statuses, text)
        except Exception as error:  # fails only this search, not the others
            return error
