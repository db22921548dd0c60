"""Batched look-ups of the documents that imported rows refer to.

These documents are courses, students, runs, categories and instructors. The number of cached results is
bounded, so that memory doesn't grow with the file.
"""

from collections.abc import Collection as Set
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from loaders.model import MOST_CATEGORIES, CategoryDoc, Document
from loaders.mongo import Collection, Database, find
from loaders.reading import fit
from loaders.text import slugify, unique_slugs
from loaders.transfer import exports
from loaders.transfer.exports import Row
from loaders.transfer.imports import Key, Reference, drop_used_old_slugs
from loaders.transfer.instructor_rows import instructors_named, new_instructors

_MAX_CACHED = 20_000  # maximum number of cache entries of each kind
_ATTEMPTS = 3  # how often documents are inserted whose keys somebody else inserts at the same time
_DUPLICATE_KEY = 11000  # MongoDB's error code

_K = TypeVar("_K")
_Cached = Any  # Any: a document, an id or a slug, depending on the kind


class References:
    """Look-ups for one import.

    If `write` is False, missing categories and instructors are not created.
    """

    def __init__(self, database: Database, source: str, *, write: bool = True) -> None:
        self._database, self._source, self._write = database, source, write
        # Codes or slugs that match several courses. Each of them refers to the oldest of its courses.
        self.shared: set[Reference] = set()
        self._cache: dict[str, dict[_Cached, _Cached]] = {}
        self._slugs: set[str] | None = None  # slugs of all categories; None until they are loaded
        self._slug_by_id: dict[str, str] = {}  # maps external ids of this source to categories' slugs
        # Maps the former slugs of a category, and the slug made from its name, to its present slug.
        self._former_slugs: dict[str, str] = {}

    async def courses(self, references: Iterable[Reference]) -> Mapping[Reference, Document]:
        """Maps each reference to the `_id`, `status` and `deliveryModes` of its course.

        Unknown references are left out. A course is looked up by external id, then by slug or code, and
        then by former slug.
        """
        found, missing = self._cached("courses", references)
        found |= await self._documents("courses", missing, {"status": 1, "deliveryModes": 1})
        names = {r for r in missing if isinstance(r, str) and r not in found}
        found |= await self._by_slug_or_code(names)
        return self._add_to_cache("courses", found)

    async def course_fields(
        self, keys: Iterable[Reference], projection: Mapping[str, int]
    ) -> Mapping[Reference, Document]:
        """Maps external ids and `_id`s to the current fields of their courses.

        Sends one command per source of external ids, and one for all `_id`s.
        """
        return await self._documents("courses", set(keys), projection)

    async def students(self, references: Iterable[Reference]) -> Mapping[Reference, ObjectId]:
        return await self._ids("students", references)

    async def runs(self, references: Iterable[Reference]) -> Mapping[Reference, ObjectId]:
        return await self._ids("courseRuns", references)

    async def categories(self, names: Iterable[str]) -> Mapping[str, str]:
        """Maps the names of categories, or their ids in this source, to their slugs.

        Creates the categories that don't exist yet. A name without letters or digits has no slug, and is left
        out. New names are also left out once the maximum number of categories is reached.
        """
        found, missing = self._cached("categories", names)
        await self._category_slugs()
        slugs = {
            name: self._slug_by_id.get(name) or self._present_slug(slug)
            for name in missing
            if (slug := slugify(name))
        }
        permitted = await self._slugs_within_limit(slugs.values())
        slugs = {name: slug for name, slug in slugs.items() if slug in permitted}
        first = {slug: name for name, slug in reversed(slugs.items())}
        await self._create_missing(
            "categories", [({"slug": slug}, {"name": name}) for slug, name in first.items()]
        )
        return self._add_to_cache("categories", found | slugs)

    async def restore_categories(self, rows: Sequence[Row]) -> Mapping[str, str]:
        """Creates the exported categories that don't exist yet, up to the maximum number of categories.

        Returns a mapping from each slug in the rows to that category's slug in this database. Categories that
        the maximum left no room for are omitted.
        """
        await self._category_slugs()
        slugs = {row["slug"]: self._present_slug(row["slug"]) for row in rows}
        permitted = await self._slugs_within_limit(slugs.values())
        new = [row for row in rows if row["slug"] == slugs[row["slug"]] and row["slug"] in permitted]
        await self.restore("categories", new)
        return {exported: slug for exported, slug in slugs.items() if slug in permitted}

    def _present_slug(self, slug: str) -> str:
        """Converts a category's former slug, or the slug made from its name, to its present slug.

        Returns `slug` unchanged if it is the present slug of a category, or if no category is found. Call
        `_category_slugs` first.
        """
        return slug if slug in (self._slugs or ()) else self._former_slugs.get(slug, slug)

    async def _slugs_within_limit(self, slugs: Iterable[str]) -> set[str]:
        """Returns the slugs of all categories, plus as many new ones from `slugs` as the limit allows."""
        known = await self._category_slugs()
        for slug in dict.fromkeys(slugs):
            if len(known) < MOST_CATEGORIES:
                known.add(slug)
        return known

    async def _category_slugs(self) -> set[str]:
        """Returns the slugs of all categories, including those that a dry run would have created."""
        if self._slugs is None:
            found = await find(self._database["categories"], {}, size=MOST_CATEGORIES)
            categories: list[CategoryDoc] = fit("categories", found)
            self._slugs = {category["slug"] for category in categories}
            for category in categories:
                external = category.get("externalId")
                if external and external["source"] == self._source:
                    self._slug_by_id[external["id"]] = category["slug"]
                for slug in (*category.get("oldSlugs", ()), slugify(category["name"])):
                    self._former_slugs.setdefault(slug, category["slug"])
        return self._slugs

    async def instructors(self, names: Iterable[str]) -> Mapping[str, ObjectId]:
        """Maps the names of this source's instructors to their `_id`s, and creates missing instructors.

        A name can also be an instructor's external id in this source.
        """
        found, missing = self._cached("instructors", names)
        found |= await instructors_named(self._database, self._source, missing)
        keys = {name: (self._source, name) for name in missing if name not in found}
        documents = await new_instructors(self._database, [({"name": n}, self._source) for n in keys])
        queries = [_query_for(key) for key in keys.values()]
        await self._create_missing("instructors", list(zip(queries, documents, strict=True)))
        stored = await self._documents("instructors", keys.values(), {})
        found |= {name: stored[key]["_id"] if key in stored else ObjectId() for name, key in keys.items()}
        return self._add_to_cache("instructors", found)

    async def restore(self, collection: str, rows: Sequence[Row]) -> Mapping[Key, ObjectId]:
        """Maps the keys of exported categories or instructors to their `_id`s. Creates missing documents.

        A category is missing if no stored category has its slug. Documents are created as they were exported.
        """
        by_key = {exports.exported_key(row): row for row in rows}
        documents = {key: _fields_to_insert(collection, row) for key, row in by_key.items()}
        if collection == "instructors":
            new = [(fields, str(fields["_id"])[-6:]) for fields in documents.values()]
            documents = dict(zip(by_key, await new_instructors(self._database, new), strict=True))
        await drop_used_old_slugs(self._database[collection], list(documents.values()))
        slugs = {key: row["slug"] for key, row in by_key.items() if collection == "categories"}
        await self._create_missing(
            collection, [(_query_for(key, slugs.get(key)), documents[key]) for key in by_key]
        )
        stored = await self._documents(collection, list(by_key), {})
        return {key: stored[key]["_id"] if key in stored else documents[key]["_id"] for key in by_key}

    async def _create_missing(self, collection: str, documents: Sequence[tuple[Document, Document]]) -> None:
        """Inserts each document whose query finds nothing. documents: pairs of a query and a document.

        If somebody takes the slug of an instructor in the meantime, the instructor gets another one. If
        somebody inserts the same document, it is left as it is.
        """
        target, left = self._database[collection], documents if self._write else []
        for attempt in range(_ATTEMPTS):
            if not left:
                return
            upserts = [UpdateOne(query, {"$setOnInsert": new}, upsert=True) for query, new in left]
            try:
                await target.bulk_write(upserts, ordered=False)
                return
            except BulkWriteError as error:
                failed = error.details["writeErrors"]
                if attempt == _ATTEMPTS - 1 or any(one["code"] != _DUPLICATE_KEY for one in failed):
                    raise
                left = await _with_free_slugs(target, [left[one["index"]] for one in failed])

    async def enrolled(self, pairs: Set[tuple[ObjectId, ObjectId]]) -> set[tuple[ObjectId, ObjectId]]:
        """Returns the (student, course) pairs with an enrolment that isn't waitlisted."""
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
        found, missing = self._cached(collection, references)
        documents = await self._documents(collection, missing, {})
        found |= {reference: document["_id"] for reference, document in documents.items()}
        return self._add_to_cache(collection, found)

    async def _documents(
        self, collection: str, references: Set[Reference], projection: Mapping[str, int]
    ) -> dict[Reference, Document]:
        """Returns the documents that references refer to.

        Sends one command per source of external ids, and one for all `_id`s.
        """
        by_source: dict[str, dict[str, Reference]] = {}
        ids = [r for r in references if isinstance(r, ObjectId)]
        for r in references:
            if not isinstance(r, ObjectId):
                source, name = (self._source, r) if isinstance(r, str) else r
                by_source.setdefault(source, {})[name] = r
        wanted, target = {**projection, "externalId": 1}, self._database[collection]
        found: dict[Reference, Document] = {}
        for source, names in by_source.items():
            query = {"externalId.source": source, "externalId.id": {"$in": list(names)}}
            documents = await find(target, query, size=len(names), projection=wanted)
            found |= {names[d["externalId"]["id"]]: d for d in documents}
        if ids:
            documents = await find(target, {"_id": {"$in": ids}}, size=len(ids), projection=wanted)
            found |= {d["_id"]: d for d in documents}
        return found

    async def _by_slug_or_code(self, names: Set[str]) -> dict[Reference, Document]:
        if not names:
            return {}
        wanted = list(names)
        among = {"$in": wanted}
        query = {"$or": [{"slug": among}, {"codes": among}, {"oldSlugs": among}]}
        projection = {"status": 1, "deliveryModes": 1, "slug": 1, "codes": 1, "oldSlugs": 1}
        former: dict[Reference, Document] = {}
        found: dict[Reference, Document] = {}
        courses = await find(
            self._database["courses"], query, size=1000, projection=projection, sort=[("_id", -1)]
        )
        for course in fit("courses", courses, list(projection)):
            own = [*course["codes"], course["slug"]]
            self.shared |= {code for code in own if found.get(code, course) is not course}
            found |= {code: course for code in own if code in names}
            former |= {slug: course for slug in course.get("oldSlugs", ()) if slug in names}
        return former | found

    def _cached(self, kind: str, keys: Iterable[_K]) -> tuple[dict[_K, _Cached], list[_K]]:
        """Returns the cached entries for some keys, and the keys that are not cached."""
        cache = self._cache.setdefault(kind, {})
        distinct = dict.fromkeys(keys)
        return {k: cache[k] for k in distinct if k in cache}, [k for k in distinct if k not in cache]

    def _add_to_cache(self, kind: str, found: dict[_K, _Cached]) -> dict[_K, _Cached]:
        cache = self._cache[kind]
        if len(cache) > _MAX_CACHED:
            cache.clear()
        cache.update(found)
        return found


async def _with_free_slugs(
    collection: Collection, documents: Sequence[tuple[Document, Document]]
) -> list[tuple[Document, Document]]:
    """Gives new instructors slugs that nobody has. documents: pairs of a query and a document."""
    if not all("slug" in new for _, new in documents):
        return list(documents)  # categories, which are found by their slugs
    slugs = await unique_slugs(collection, [(new["slug"], "") for _, new in documents])
    return [(query, {**new, "slug": slug}) for (query, new), slug in zip(documents, slugs, strict=True)]


def _query_for(key: Key, category_slug: str | None = None) -> Document:
    if category_slug:
        return {"slug": category_slug}
    return {"externalId.source": key[0], "externalId.id": key[1]} if isinstance(key, tuple) else {"_id": key}


def _fields_to_insert(collection: str, row: Row) -> Document:
    """Returns the fields that an upsert sets in addition to those in its query.

    The query has the external id, but for a category it has the slug.
    """
    in_query = "slug" if collection == "categories" else "externalId"
    fields = {name: value for name, value in row.items() if name not in ("_id", in_query)}
    if "oldSlugs" in fields:
        fields["oldSlugs"] = exports.former_slugs(row)
    return {"_id": exports.exported_object_id(row), **fields}
