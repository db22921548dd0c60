"""Migration 4: gives instructors a slug made from their name, search terms and a sort key."""

from collections.abc import Sequence

from loaders.collections import COLLECTIONS, derived
from loaders.migrations.migration import Migration, Step, attempted, different
from loaders.mongo import Database, Document, Fields
from loaders.text import slugify, unique_slugs


async def _changes(database: Database, instructors: Sequence[Document]) -> list[Fields | None]:
    changes = [attempted(_recomputed, instructor) for instructor in instructors]
    unnamed = [
        index
        for index, instructor in enumerate(instructors)
        if changes[index] is not None and not instructor.get("slug")
    ]
    wanted = [(slugify(instructors[n]["name"]), str(instructors[n]["_id"])[-6:]) for n in unnamed]
    slugs = await unique_slugs(database["instructors"], wanted, "instructor") if wanted else []
    for index, slug in zip(unnamed, slugs, strict=True):
        changes[index] = {**(changes[index] or {}), "slug": slug}
    return changes


def _recomputed(instructor: Document) -> Document:
    return different(instructor, derived("instructors", instructor))


_ROW = COLLECTIONS["instructors"]

MIGRATION = Migration(
    4,
    "slugs, search words and sort keys of instructors",
    (Step("instructors", _ROW.derived_from | {"slug"}, _ROW.derived, _changes, size=500),),
)
