"""Lists that are not pages: each declares its maximum length, and is cut there."""

import pytest
from graphql import GraphQLObjectType, get_nullable_type, is_list_type

from loaders.audit import record
from loaders.model import MOST_CATEGORIES, MOST_CHANGES, MOST_INSTRUCTORS, MOST_ROLES
from loaders.model.documents import ActorDoc
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from loaders.transfer.references import References
from resolvers.context import Viewer
from resolvers.schema import declaration, schema
from tests import factories
from tests.factories import store
from tests.resolvers.conftest import Ask, Doc, Value

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")


def lists() -> Doc:
    """Returns the list fields of the schema that are not pages, with their declared maximum length."""
    types = [t for n, t in schema.type_map.items() if not n.startswith("__") and not n.endswith("Connection")]
    return {
        f"{type_.name}.{name}": declaration(field).metadata.get("most")
        for type_ in types
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if is_list_type(get_nullable_type(field.type))
    }


def test_every_list_declares_its_maximum_size() -> None:
    assert [name for name, size in lists().items() if not isinstance(size, int)] == []
    assert {"Course.tags", "Query.categories", "UserError.path", "RatingSummary.histogram"} <= lists().keys()


LISTS: dict[str, tuple[str, Value]] = {
    "codes": ("codes", [f"C{n}" for n in range(99)]),
    "tags": ("tags", [f"t{n}" for n in range(99)]),
    "deliveryModes": ("deliveryModes", ["ONLINE", "ONSITE"] * 9),
}


@pytest.mark.parametrize("name", LISTS)
async def test_items_beyond_the_maximum_are_not_shown(ask: Ask, database: Database, name: str) -> None:
    stored, values = LISTS[name]
    size = lists()[f"Course.{name}"]
    courses = [factories.course() | {stored: values[:n]} for n in (size, size + 1, len(values))]
    await store(database, courses=courses)
    nodes = (await ask(f"{{ courses {{ nodes {{ {name} }} }} }}"))["data"]["courses"]["nodes"]
    assert [node[name] for node in nodes] == [values[:size]] * 3


async def test_instructors_and_changes_are_cut_at_their_maximum(ask: Ask, database: Database) -> None:
    teachers = [factories.instructor(f"T{n:02}") for n in range(MOST_INSTRUCTORS + 1)]
    await store(
        database, instructors=teachers, courses=[factories.course(instructorIds=[t["_id"] for t in teachers])]
    )
    (course,) = (await ask("{ courses { nodes { instructors { name } } } }"))["data"]["courses"]["nodes"]
    assert [t["name"] for t in course["instructors"]] == [f"T{n:02}" for n in range(MOST_INSTRUCTORS)]
    change: Doc = {"collection": "courses", "documentId": "x", "before": None, "after": {}}
    actor = {"subject": "s", "roles": ["STAFF"] * 9, "studentId": None, "instructorId": None}
    entry = {"at": factories.T0, "action": "a", "actor": actor, "address": "", "changes": [change] * 99}
    await database["auditLog"].insert_one(entry)
    text = "{ auditLog { nodes { changes { collection } actor { roles } } } }"
    (entry,) = (await ask(text, viewer=STAFF))["data"]["auditLog"]["nodes"]
    assert (len(entry["changes"]), len(entry["actor"]["roles"])) == (
        MOST_CHANGES,
        MOST_ROLES,
    )


@pytest.mark.parametrize(("changed", "entries"), [(0, [0]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
async def test_a_write_that_changes_much_has_several_entries(
    database: Database, changed: int, entries: list[int]
) -> None:
    actor: ActorDoc = {"subject": "", "roles": [], "studentId": None, "instructorId": None}

    async def work(tx: Transaction) -> None:
        students = [factories.student() for _ in range(changed)]
        if students:
            await tx.insert_all("students", students)
            await tx.patch_all("students", students, bio="B")
        await record(tx, "test", actor, "")

    await transaction(database, work)
    found = await database["auditLog"].find(sort=[("_id", 1)]).to_list(None)
    assert [len(entry["changes"]) for entry in found] == entries


async def test_categories_have_a_maximum(ask: Ask, database: Database) -> None:
    """An import creates categories up to the maximum, in the order in which it names them."""
    names = ["c-000", *(f"c{n:03}" for n in range(248))]
    await database["categories"].insert_many([factories.category(name) for name in names])
    for write in (False, True):
        found = await References(database, "s", write=write).categories(["One", "Two", "one!", "c 000"])
        assert found == {"One": "one", "one!": "one", "c 000": "c-000"}
    await database["categories"].insert_many([factories.category(f"d{n:03}") for n in range(9)])
    listed = (await ask("{ categories { slug } }"))["data"]["categories"]
    assert len(listed) == MOST_CATEGORIES == 250


async def test_the_category_facet_has_a_maximum(ask: Ask, database: Database) -> None:
    await store(database, courses=[factories.course(categorySlug=f"c{n:03}") for n in range(260)])
    text = "{ courses(first: 1) { facets { categories { value count } } } }"
    facets = (await ask(text))["data"]["courses"]["facets"]
    assert len(facets["categories"]) == MOST_CATEGORIES
