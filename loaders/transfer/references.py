"""What imported rows refer to: courses, students, runs, categories, instructors; looked up in batches.

Found ones are remembered, up to a bound, so that memory doesn't grow with the file.
"""

from collections.abc import Collection as Set
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from loaders.model import MOST_CATEGORIES
from loaders.mongo import Database, find
from loaders.text import slugify
from loaders.transfer import exports
from loaders.transfer.imports import Key

#: A text is an id within the import's own source; a pair an exact (source, id); else an `_id`.
Reference = str | tuple[str, str] | ObjectId

_REMEMBERED = 20_000  # of each kind


class References:
    """Look-ups for one import. With `write` off, missing categories and instructors are not made."""

    def __init__(self, database: Database, source: str, *, write: bool = True) -> None:
        self._database, self._source, self._write = database, source, write
        self._memory: dict[str, dict[Any, Any]] = {}
        self._slugs: set[str] | None = None

    async def courses(self, references: Iterable[Reference]) -> Mapping[Reference, dict[str, Any]]:
        """Courses (`_id`, `status`) by external id, else by slug or code. Unknown ones are left out."""
        found, missing = self._remembered("courses", references)
        found |= await self._documents("courses", missing, {"status": 1})
        loose = {r for r in missing if isinstance(r, str) and r not in found}
        found |= await self._by_name(loose)
        return self._remember("courses", found)

    async def students(self, references: Iterable[Reference]) -> Mapping[Reference, ObjectId]:
        return await self._ids("students", references)

    async def runs(self, references: Iterable[Reference]) -> Mapping[Reference, ObjectId]:
        return await self._ids("courseRuns", references)

    async def categories(self, names: Iterable[str]) -> Mapping[str, str]:
        """The slugs of categories by name; missing ones are made, as long as there may be more. A name
        without a letter has no slug.
        """
        found, missing = self._remembered("categories", names)
        made = {name: slug for name in missing if (slug := slugify(name))}
        there = await self._with_room(made.values())
        made = {name: slug for name, slug in made.items() if slug in there}
        first = {slug: name for name, slug in reversed(made.items())}
        await self._make("categories", [({"slug": slug}, {"name": name}) for slug, name in first.items()])
        return self._remember("categories", found | made)

    async def restore_categories(self, rows: Sequence[Mapping[str, Any]]) -> Set[str]:
        """Makes exported categories that are missing, as long as there may be more. The slugs of all that are
        there then.
        """
        there = await self._with_room(row["slug"] for row in rows)
        await self.restore("categories", [row for row in rows if row["slug"] in there])
        return there

    async def _with_room(self, slugs: Iterable[str]) -> set[str]:
        """The slugs of all categories, and of those that are to be made as many as there is room for."""
        there = await self._category_slugs()
        for slug in dict.fromkeys(slugs):
            if len(there) < MOST_CATEGORIES:
                there.add(slug)
        return there

    async def _category_slugs(self) -> set[str]:
        """The slugs of all categories, those included that would be made."""
        if self._slugs is None:
            there = self._database["categories"]
            self._slugs = {
                c["slug"] for c in await find(there, {}, size=MOST_CATEGORIES, projection=["slug"])
            }
        return self._slugs

    async def instructors(self, names: Iterable[str]) -> Mapping[str, ObjectId]:
        """Instructors by name within the source; missing ones are made."""
        found, missing = self._remembered("instructors", names)
        keys = {name: (self._source, name) for name in missing}
        await self._make("instructors", [(_exact(k), {"name": n, "headline": None}) for n, k in keys.items()])
        there = await self._documents("instructors", keys.values(), {})
        found |= {name: there[key]["_id"] if key in there else ObjectId() for name, key in keys.items()}
        return self._remember("instructors", found)

    async def restore(self, collection: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[Key, ObjectId]:
        """The `_id`s of exported categories (the same when their slugs are) or instructors, by their keys;
        missing ones are made as they were.
        """
        by_key = {exports.exported_key(row): row for row in rows}
        documents = {key: _document(row) for key, row in by_key.items()}
        await self._make(collection, [(_exact(key, row), documents[key]) for key, row in by_key.items()])
        there = await self._documents(collection, list(by_key), {})
        return {key: there[key]["_id"] if key in there else documents[key]["_id"] for key in by_key}

    async def _make(
        self, collection: str, documents: Sequence[tuple[dict[str, Any], dict[str, Any]]]
    ) -> None:
        """Make the documents that their queries don't find."""
        if documents and self._write:
            upserts = [UpdateOne(query, {"$setOnInsert": made}, upsert=True) for query, made in documents]
            await self._database[collection].bulk_write(upserts, ordered=False)

    async def enrolled(self, pairs: Set[tuple[ObjectId, ObjectId]]) -> set[tuple[ObjectId, ObjectId]]:
        """Those of the (student, course) pairs that have an enrolment beyond the waiting list."""
        if not pairs:
            return set()
        query = {
            "studentId": {"$in": list({student for student, _ in pairs})},
            "courseId": {"$in": list({course for _, course in pairs})},
            "status": {"$ne": "WAITLISTED"},
        }
        projection = {"_id": 0, "studentId": 1, "courseId": 1}
        found = await find(self._database["enrollments"], query, size=2 * len(pairs), projection=projection)
        return {(d["studentId"], d["courseId"]) for d in found} & set(pairs)

    async def _ids(self, collection: str, references: Iterable[Reference]) -> Mapping[Reference, ObjectId]:
        found, missing = self._remembered(collection, references)
        documents = await self._documents(collection, missing, {})
        found |= {reference: document["_id"] for reference, document in documents.items()}
        return self._remember(collection, found)

    async def _documents(
        self, collection: str, references: Set[Reference], projection: Mapping[str, int]
    ) -> dict[Reference, dict[str, Any]]:
        """By external id or `_id`: a query for each source."""
        by_source: dict[str, dict[str, Reference]] = {}
        ids = [r for r in references if isinstance(r, ObjectId)]
        for r in references:
            if not isinstance(r, ObjectId):
                source, name = (self._source, r) if isinstance(r, str) else r
                by_source.setdefault(source, {})[name] = r
        wanted, target = {**projection, "externalId": 1}, self._database[collection]
        found: dict[Reference, dict[str, Any]] = {}
        for source, names in by_source.items():
            query = {"externalId.source": source, "externalId.id": {"$in": list(names)}}
            documents = await find(target, query, size=len(names), projection=wanted)
            found |= {names[d["externalId"]["id"]]: d for d in documents}
        if ids:
            documents = await find(target, {"_id": {"$in": ids}}, size=len(ids), projection=wanted)
            found |= {d["_id"]: d for d in documents}
        return found

    async def _by_name(self, names: Set[str]) -> dict[Reference, dict[str, Any]]:
        if not names:
            return {}
        wanted = list(names)
        query = {"$or": [{"slug": {"$in": wanted}}, {"codes": {"$in": wanted}}]}
        projection = {"status": 1, "slug": 1, "codes": 1}
        found: dict[Reference, dict[str, Any]] = {}
        for course in await find(
            self._database["courses"], query, size=1000, projection=projection, sort=[("_id", -1)]
        ):
            found |= {code: course for code in (*course["codes"], course["slug"]) if code in names}
        return found

    def _remembered(self, kind: str, wanted: Iterable[Any]) -> tuple[dict[Any, Any], list[Any]]:
        memory = self._memory.setdefault(kind, {})
        distinct = dict.fromkeys(wanted)
        return {w: memory[w] for w in distinct if w in memory}, [w for w in distinct if w not in memory]

    def _remember(self, kind: str, found: dict[Any, Any]) -> dict[Any, Any]:
        memory = self._memory[kind]
        if len(memory) > _REMEMBERED:
            memory.clear()
        memory.update(found)
        return found


def _exact(key: Key, row: Mapping[str, Any] | None = None) -> dict[str, Any]:
    if row and "slug" in row:
        return {"slug": row["slug"]}
    return {"externalId.source": key[0], "externalId.id": key[1]} if isinstance(key, tuple) else {"_id": key}


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    """What an upsert sets besides what its query says: an external id that is its key comes from there."""
    external = {"externalId": row["externalId"]} if "slug" in row and "externalId" in row else {}
    fields = {name: value for name, value in row.items() if name not in ("_id", "externalId", "slug")}
    return {"_id": exports.exported_object_id(row), **fields, **external}
