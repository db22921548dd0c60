"""Matches imported rows of instructors with the instructors named by courses."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from bson import ObjectId

from loaders.collections import complete
from loaders.mongo import Database, Document, Fields, find
from loaders.reading import fit
from loaders.text import slugify, unique_slugs
from loaders.transfer.imports import Incoming

_SEVERAL = (
    "several rows have the name of an instructor that courses mention: none of them is matched with that"
    " instructor"
)


async def instructors_named(
    database: Database, source: str, names: Collection[str]
) -> Mapping[str, ObjectId]:
    """Maps names to the `_id`s of a source's instructors. Sends one command.

    A name is looked up as an external id and, failing that, as a name. Leaves out names that belong to no
    instructor, or to several.
    """
    if not names:
        return {}
    among = {"$in": list(names)}
    query = {"externalId.source": source, "$or": [{"externalId.id": among}, {"name": among}]}
    found = await find(
        database["instructors"], query, size=2 * len(names), projection={"name": 1, "externalId": 1}
    )
    found = fit("instructors", found, ["name"])
    by_id = {instructor["externalId"]["id"]: instructor["_id"] for instructor in found}
    count = Counter(instructor["name"] for instructor in found)
    by_name = {i["name"]: i["_id"] for i in found if count[i["name"]] == 1}
    return {name: known for name in names if (known := by_id.get(name) or by_name.get(name))}


async def new_instructors(database: Database, wanted: Sequence[tuple[Fields, str]]) -> list[Document]:
    """Completes new instructors, and gives each a slug that nobody has. Sends at most one command.

    wanted: pairs of the known fields of an instructor, and the suffix that distinguishes the slug of an
    instructor with the same name.
    """
    # An export may have an instructor whose name is missing or isn't a string.
    named = [{**fields, "name": str(fields.get("name") or "")} for fields, _ in wanted]
    slugs = [
        (fields.get("slug") or slugify(fields["name"]), suffix)
        for fields, (_, suffix) in zip(named, wanted, strict=True)
    ]
    free = await unique_slugs(database["instructors"], slugs, "instructor") if wanted else []
    return [
        complete("instructors", {**fields, "slug": slug}) for fields, slug in zip(named, free, strict=True)
    ]


class InstructorRows:
    """The instructors of one import.

    When a course names an instructor that doesn't exist, the instructor is created with the name as external
    id. A row with the same name replaces this external id with its own id, unless several rows have the name.
    """

    def __init__(self, database: Database, source: str) -> None:
        self._database, self._source = database, source
        self._adopted: dict[str, str] = {}  # maps a name that was an external id to the id that replaces it
        self.notes: Counter[str] = Counter()

    async def place(self, batch: Collection[Incoming]) -> None:
        """Gives each row the key of its instructor, if a course already names that instructor.

        Sends at most one command.
        """
        ids = {incoming.key[1]: incoming for incoming in batch if isinstance(incoming.key, tuple)}
        names = {own: incoming.fields["name"] for own, incoming in ids.items()}
        stored = await self._stored_ids({*ids, *names.values()})
        new = {own: name for own, name in names.items() if own not in stored}
        count = Counter(new.values())
        for own, name in new.items():
            if own == name or name not in stored:
                continue
            if count[name] > 1 or self._adopted.get(name, own) != own:
                self.notes[_SEVERAL] += 1
            else:
                self._adopted[name] = own
        for incoming in batch:
            self._adopt(incoming)

    def _adopt(self, incoming: Incoming) -> None:
        name = incoming.fields["name"]
        if incoming.key == (self._source, self._adopted.get(name)):
            incoming.fields["externalId"] = {"source": self._source, "id": self._adopted[name]}
            incoming.key = (self._source, name)

    async def _stored_ids(self, ids: Collection[str]) -> set[str]:
        query = {"externalId.source": self._source, "externalId.id": {"$in": list(ids)}}
        found = await find(self._database["instructors"], query, size=len(ids), projection={"externalId": 1})
        return {instructor["externalId"]["id"] for instructor in found}
