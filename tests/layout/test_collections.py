"""One row declares a collection: what reads the rows knows a new one, and no row forgets anything."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from bson import ObjectId
from graphql import GraphQLObjectType

from loaders import audit, collections, indexes
from loaders.collections import COLLECTIONS, EVERYONE, Index, SeenBy, StoredCollection, complete
from loaders.model import UNFIT, documents, shape_of
from loaders.mongo import Database, transaction
from loaders.reading import default_of, projections_of
from loaders.recounting import recount
from loaders.transfer import exported_rows
from resolvers.access.rules import RULES
from resolvers.access.visibility import visible
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import decode_id, encode_id, nodes_by_id
from resolvers.schema import schema
from resolvers.schema.write_inputs import MutationInput
from resolvers.writing import write
from tests import factories
from tests.factories import store
from tests.support import NOW, request_for

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")

HALLS = StoredCollection(
    name="halls",
    noun="hall",
    seen_by=SeenBy(published=True, rule="Course.draft"),
    type_name="Hall",
    id_code=b"hal",
    key="slug",
    reads=frozenset(("city",)),
    derived_from=frozenset(("name",)),
    derive=lambda hall: {"sortName": hall["name"].lower()},
    derived=frozenset(("sortName",)),
    aggregates=frozenset(("runCount",)),
    secret=frozenset(("doorCode",)),
    importable=True,
    new=lambda fields: {"city": None, "runCount": 0, "status": "PUBLISHED", **fields},
    own_indexes=[Index([("slug", 1)], unique=True)],
)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new collection: its row, and nothing else."""
    monkeypatch.setitem(COLLECTIONS, "halls", HALLS)


#: How a row can say who sees its documents, each with what the public and the staff see of four documents:
#: of a published and of a draft course, published and not.
SEEN_BY = {
    "everyone": (EVERYONE, "1111", "1111"),
    "published": (SeenBy(published=True, rule="Course.draft"), "1010", "1111"),
    "with their course": (SeenBy(with_course=True, rule="Course.draft"), "1100", "1111"),
    "published, with their course": (
        SeenBy(published=True, with_course=True, rule="Review.unpublished"),
        "1000",
        "1111",
    ),
    "with their course alone": (SeenBy(with_course=True), "1100", "1111"),
    "by a rule": (SeenBy(nobody=True, rule="Query.auditLog"), "0000", "1111"),
    "nobody": (SeenBy(nobody=True), "0000", "0000"),
}


@pytest.fixture
async def halls(declared: None, database: Database) -> AsyncIterator[list[dict[str, Any]]]:
    made = [
        {"_id": ObjectId(), **complete("halls", {"name": "Hall", "slug": "hall", "doorCode": "1234"})},
        {"_id": ObjectId(), **complete("halls", {"name": "Attic", "slug": "attic", "status": "DRAFT"})},
    ]
    await store(database, halls=made)
    yield made
    await database["halls"].drop_indexes()


@pytest.mark.usefixtures("declared")
def test_a_new_document_has_its_defaults_and_derived_fields() -> None:
    assert complete("halls", {"name": "Hall"}) == {
        "city": None, "runCount": 0, "status": "PUBLISHED", "name": "Hall", "sortName": "hall",
    }  # fmt: skip


async def test_it_has_global_ids_and_is_found_by_them_by_who_may_see_it(
    database: Database, halls: list[dict[str, Any]]
) -> None:
    ids = [encode_id("Hall", hall) for hall in halls]
    assert [decode_id(own) for own in ids] == [("Hall", hall["_id"]) for hall in halls]
    for viewer, seen in ((PUBLIC, ["Hall", None]), (STAFF, ["Hall", "Attic"])):
        found = await nodes_by_id(request_for(database, viewer).context(), ids)
        assert [node and node["name"] for node in found] == seen
        assert found[0] is not None
        assert found[0]["__typename"] == "Hall"


@pytest.mark.parametrize(("seen_by", "public", "staff"), SEEN_BY.values(), ids=SEEN_BY)
async def test_who_sees_it_is_what_its_row_says(
    monkeypatch: pytest.MonkeyPatch, database: Database, seen_by: SeenBy, public: str, staff: str
) -> None:
    monkeypatch.setitem(COLLECTIONS, "halls", replace(HALLS, seen_by=seen_by))
    courses = [factories.course(), factories.course(status="DRAFT")]
    made: list[dict[str, Any]] = [
        {
            "_id": ObjectId(),
            "courseId": course["_id"],
            **complete("halls", {"name": "Hall", "status": status}),
        }
        for course in courses
        for status in ("PUBLISHED", "DRAFT")
    ]
    await store(database, courses=courses, halls=made)
    for viewer, shown in ((PUBLIC, public), (STAFF, staff)):
        found = await visible(request_for(database, viewer).context(), "halls", made)
        assert "".join(str(int(hall is not None)) for hall in found) == shown


async def test_the_owner_that_a_row_names_sees_a_document(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    seen_by = SeenBy(nobody=True, rule="Enrollment", owner="tenant")
    monkeypatch.setitem(COLLECTIONS, "halls", replace(HALLS, seen_by=seen_by))
    assert "tenant" in COLLECTIONS["halls"].always_read
    tenant = Viewer(roles=frozenset({"STUDENT"}), student_id=ObjectId(), subject="tenant")
    made = [{"_id": ObjectId(), "tenant": own} for own in (tenant.student_id, ObjectId())]
    found = await visible(request_for(database, tenant).context(), "halls", made)
    assert found == [made[0], None]


async def test_it_is_loaded_by_its_key(database: Database, halls: list[dict[str, Any]]) -> None:
    load = request_for(database).context().loaders
    assert await load.by_key("halls", "slug")(["attic", "none"]) == [halls[1], None]


def test_a_type_without_a_row_is_named_by_the_error() -> None:
    with pytest.raises(TypeError, match=r"Hall has no row with an ID code in loaders/collections$"):
        encode_id("Hall", {})


async def build_hall(ctx: Any, tx: Any, values: Any) -> Any: ...


def test_a_mutation_without_a_rule_is_named_by_the_error() -> None:
    with pytest.raises(TypeError, match=r"buildHall has no rule in resolvers/access/rules\.py"):
        write(build_hall, MutationInput, description="", commands=1)


@pytest.mark.usefixtures("declared")
def test_what_decides_who_sees_it_is_always_fetched() -> None:
    assert projections_of({"halls": {"name"}}) == {"halls": {"_id": 1, "city": 1, "name": 1, "status": 1}}


async def test_the_audit_log_leaves_out_what_follows_and_hides_secrets(
    database: Database, halls: list[dict[str, Any]]
) -> None:
    fields = complete("halls", {"name": "Loft", "slug": "loft", "doorCode": "99"})
    actor: documents.ActorDoc = {"subject": "s", "roles": [], "studentId": None, "instructorId": None}

    async def write(tx: Any) -> None:
        await tx.insert("halls", fields)
        await audit.record(tx, "createHall", actor, "")

    await transaction(database, write)
    entry = await database["auditLog"].find_one({})
    assert entry is not None
    assert entry["changes"][0]["after"] == {
        "city": None, "status": "PUBLISHED", "name": "Loft", "slug": "loft", "doorCode": "(secret)",
    }  # fmt: skip


async def test_it_is_exported_without_what_follows(database: Database, halls: list[dict[str, Any]]) -> None:
    assert "halls" in collections.importable()
    rows = [row async for row in exported_rows(database, "halls")]
    assert [row["name"] for row in rows] == ["Hall", "Attic"]
    assert not {"sortName", "runCount"} & rows[0].keys()


async def test_its_indexes_are_made_and_missed(database: Database, halls: list[dict[str, Any]]) -> None:
    absent = await indexes.missing(database)
    assert absent == ["halls.externalId.source_1_externalId.id_1", "halls.slug_1"]
    await indexes.ensure(database)
    assert await indexes.missing(database) == []


def test_a_row_must_say_who_sees_its_documents() -> None:
    fields: dict[str, Any] = {"name": "halls", "noun": "hall"}
    with pytest.raises(TypeError, match="seen_by"):
        StoredCollection(**fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type_name": "Hall"}, "id_code"),
        ({"id_code": b"hal"}, "id_code"),
        ({"type_name": "Hall", "id_code": b"hall"}, "three bytes"),
        ({"derived": frozenset(("sortName",))}, "derived"),
        ({"derive": dict}, "derived"),
    ],
)
def test_a_row_that_contradicts_itself_is_an_error_at_the_start(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        StoredCollection(name="halls", noun="hall", seen_by=EVERYONE, **fields)


def test_every_node_of_the_schema_has_a_row_and_every_row_its_type() -> None:
    nodes = {
        name
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and any(i.name == "Node" for i in type_.interfaces)
    }
    assert {row.type_name for row in collections.with_types()} == nodes
    codes = [row.id_code for row in collections.with_types()]
    assert len(set(codes)) == len(codes)


def test_every_rule_that_a_row_names_is_in_the_table() -> None:
    named = {row.seen_by.rule for row in COLLECTIONS.values() if row.seen_by.rule}
    assert named <= RULES.keys()


def test_the_fields_that_a_row_names_are_those_of_its_documents() -> None:
    """Beside `revision`, which transactions keep."""
    for row in COLLECTIONS.values():
        named = row.derived_from | row.derived | row.aggregates | row.reads | row.secret | row.unaudited
        declared = shape_of(row.document).members if row.document else None
        assert named | row.missing.keys() <= (declared or {}).keys(), row.name


def test_each_default_for_readers_fits() -> None:
    """Every value that isn't in `missing` can be null or empty, is a time, or refers to a document."""
    for row in COLLECTIONS.values():
        members = shape_of(row.document).members if row.document and row.type_name else None
        for name, shape in (members or {}).items():
            if name != "_id" and not shape.optional:
                assert shape.fitted(default_of(row, name, shape, ObjectId())) is not UNFIT, (row.name, name)


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        (row.name, field)
        for row in COLLECTIONS.values()
        for field in sorted(row.aggregates)
        if field != "revision"
    ],
)
async def test_a_recount_finds_every_aggregate_that_a_row_names(
    database: Database, collection: str, field: str
) -> None:
    course, student = factories.course(), factories.student()
    run, review = factories.course_run(course), factories.review(course, student, importedHelpfulCount=0)
    await store(database, courses=[course], students=[student], courseRuns=[run], reviews=[review])
    async for _ in recount(database, fix=True):
        pass
    wrong: Any = [9] * 5 if field == "ratingStars" else b"\x01" if field == "newestReviewIds" else 99
    if field == "seatsUntil":
        wrong = NOW
    await database[collection].update_one({}, {"$set": {field: wrong}})
    found = [(d.collection, d.field) async for d in recount(database, fix=False)]
    assert (collection, field) in found
