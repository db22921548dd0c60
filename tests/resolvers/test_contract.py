"""The schema is compatible with the contract, fully described, and equal to schema.graphql."""

from pathlib import Path

import pytest
from graphql import GraphQLInputObjectType, GraphQLScalarType, GraphQLSchema

from app.commands.schema import check_schema
from resolvers.schema import sdl
from tests.resolvers.contract import broken, own_types, read, undescribed
from tests.resolvers.second_contract import lacking
from tests.support import SHARED

CONTRACT = SHARED / "contract.graphql"

# Parts of the contract that the schema doesn't have yet.
EXCEPTED = frozenset({"Subscription"})


# Types that the contract doesn't write out: "the other inputs and payloads follow the same form".
INPUTS = (
    "RefreshSession", "SignOut", "UpdateProfile", "CreateCourse", "UpdateCourse", "PublishCourse",
    "ArchiveCourse", "CreateCourseRun", "UpdateCourseRun", "CancelEnrollment", "UpdateProgress", "Wishlist",
    "UpdateReview", "DeleteReview", "MarkReviewHelpful", "ReplyToReview", "ModerateReview",
)  # fmt: skip
PAYLOADS = {
    "student: Student": ("UpdateProfile",),
    "course: Course": ("CreateCourse", "UpdateCourse", "PublishCourse", "ArchiveCourse"),
    "courseRun: CourseRun": ("CreateCourseRun", "UpdateCourseRun"),
    "enrollment: Enrollment": ("CancelEnrollment", "UpdateProgress"),
    "viewer: Viewer": ("Wishlist",),
    "review: Review": (
        "UpdateReview", "DeleteReview", "MarkReviewHelpful", "ReplyToReview", "ModerateReview",
    ),
    "": ("SignOut",),
}  # fmt: skip


def by_form() -> str:
    inputs = (f"input {name}Input {{ clientMutationId: String }}" for name in INPUTS)
    payloads = (
        f"type {name}Payload {{ {field} errors: [UserError!]! clientMutationId: String }}"
        for field, names in PAYLOADS.items()
        for name in names
    )
    return "\n".join(["", *inputs, *payloads])


def is_of_form(complaint: str) -> bool:
    """Whether a complaint is about a required field of such an input, which the contract leaves open."""
    name, _, what = complaint.partition(".")
    return name.removesuffix("Input") in INPUTS and what.endswith(": is new and required")


@pytest.fixture(scope="module")
def contract_text() -> str:
    if not CONTRACT.is_file():
        pytest.skip("the contract is not here: ../shared/contract.graphql")
    return CONTRACT.read_text(encoding="utf-8") + by_form()


@pytest.fixture(scope="module")
def actual() -> GraphQLSchema:
    return read(sdl())


def test_schema_keeps_the_contract(contract_text: str, actual: GraphQLSchema) -> None:
    complaints = broken(read(contract_text, EXCEPTED), actual)
    assert [complaint for complaint in complaints if not is_of_form(complaint)] == []


def test_exceptions_are_not_in_the_schema_yet(actual: GraphQLSchema) -> None:
    types = own_types(actual)
    fields = {f"{name}.{field}" for name, kind in types.items() for field in getattr(kind, "fields", {})}
    assert sorted(EXCEPTED & (types.keys() | fields)) == []


def test_schema_keeps_the_second_contract(actual: GraphQLSchema) -> None:
    complaints = lacking(sdl(), actual)
    assert complaints == []


def test_what_the_second_contract_adds_is_missed() -> None:
    """The comparison finds a field, an argument, a type and a value that are not there."""
    text = sdl()
    for right, wrong in {
        "viewerHasWishlisted: Boolean!": "viewerHasWished: Boolean!",
        "relatedCourses(": "relatedCourse(",
        "enum AccountStatus": "enum StatusOfAccount",
        "moveEnrollment(": "moveEnrolment(",
        "ENDS_BEFORE_START": "STARTS_AFTER_END",
    }.items():
        assert right in text
        text = text.replace(right, wrong)
    text = text.replace(": AccountStatus", ": StatusOfAccount").replace("[AccountStatus", "[StatusOfAccount")
    missing = set(lacking(text, read(text))) - set(lacking(sdl(), read(sdl())))
    assert missing == {
        "Course.viewerHasWishlisted: is missing",
        "Course.relatedCourses: is missing",
        "AccountStatus: is missing",
        "Account.status: AccountStatus! became StatusOfAccount!",
        "AccountFilter.statuses: [AccountStatus!] became [StatusOfAccount!]",
        "Mutation.moveEnrollment: is missing",
        "ErrorReason.ENDS_BEFORE_START: is missing",
    }


def test_bounds_have_the_arguments_of_the_second_contract(actual: GraphQLSchema) -> None:
    constraint = actual.get_directive("constraint")
    assert constraint is not None
    assert {"minLength", "maxLength", "min", "max", "format"} <= constraint.args.keys()


def test_exactly_one_of_several_is_declared_as_such(actual: GraphQLSchema) -> None:
    """The inputs of which exactly one field must be given. Nothing but @oneOf says so in the schema."""
    inputs = [kind for kind in actual.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
    assert {kind.name for kind in inputs if kind.is_one_of} == {"PersonInput"}
    ids = {
        kind.name: [name for name, field in kind.fields.items() if is_id(field.type)]
        for kind in inputs
        if not kind.is_one_of
    }
    # With two optional IDs, an input would probably ask for one of them.
    assert {name: optional for name, optional in ids.items() if len(optional) > 1} == {}


def is_id(kind: object) -> bool:
    return isinstance(kind, GraphQLScalarType) and kind.name == "ID"


def test_everything_is_described(actual: GraphQLSchema) -> None:
    assert undescribed(actual) == []


def test_file_is_the_schema() -> None:
    check_schema(Path(__file__).parents[2] / "schema.graphql")


# -- the comparison itself ---------------------------------------------------------------------------------

PROMISED = """
type Query implements Named & Node {
  id: ID!
  name: String
  tags: [String!]!
  list(first: Int, ids: [ID!]!, all: Boolean = true, filter: Filter): [Query]!
}
interface Named { name: String }
interface Node { id: ID! }
input Filter { level: Level  limit: Int = 20 }
enum Level { LOW HIGH }
scalar DateTime
"""


@pytest.mark.parametrize(
    ("promised", "made", "complaint"),
    [
        ("scalar DateTime", "", "DateTime: is missing"),
        ("scalar DateTime", "enum DateTime { NOW }", "DateTime: is another kind of type"),
        ("implements Named & Node", "implements Node", "Query: no longer implements Named"),
        ("  tags: [String!]!\n", "", "Query.tags: is missing"),
        ("tags:", "keywords:", "Query.tags: is missing"),
        ("tags: [String!]!", "tags: [String!]", "Query.tags: [String!]! became [String!]"),
        ("tags: [String!]!", "tags: [String]!", "Query.tags: [String!]! became [String]!"),
        ("tags: [String!]!", "tags: String!", "Query.tags: [String!]! became String!"),
        ("tags: [String!]!", "tags: [Int!]!", "Query.tags: [String!]! became [Int!]!"),
        ("ids: [ID!]!, ", "", "Query.list(ids:): is missing"),
        ("first: Int", "limit: Int", "Query.list(first:): is missing"),
        ("first: Int", "first: Int!", "Query.list(first:): Int became Int!"),
        ("first: Int", "first: String", "Query.list(first:): Int became String"),
        ("all: Boolean = true", "all: Boolean", "Query.list(all:): the default true became None"),
        ("first: Int", "first: Int = 5", "Query.list(first:): the default None became 5"),
        ("first: Int", "first: Int, must: Int!", "Query.list(must:): is new and required"),
        ("LOW HIGH", "LOW", "Level.HIGH: is missing"),
        ("level: Level", "grade: Level", "Filter.level: is missing"),
        ("level: Level", "level: Level!", "Filter.level: Level became Level!"),
        ("limit: Int = 20", "limit: Int = 50", "Filter.limit: the default 20 became 50"),
        ("level: Level", "level: Level  must: Int!", "Filter.must: is new and required"),
    ],
)
def test_broken_promises_are_reported(promised: str, made: str, complaint: str) -> None:
    assert promised in PROMISED
    assert broken(read(PROMISED), read(PROMISED.replace(promised, made))) == [complaint]


@pytest.mark.parametrize(
    ("promised", "made"),
    [
        ("name: String", "name: String!"),
        ("[Query]!", "[Query!]!"),
        ("ids: [ID!]!", "ids: [ID]"),
        ("first: Int", "first: Int, last: Int, more: Int! = 3"),
        ("LOW HIGH", "LOW MIDDLE HIGH"),
        ("level: Level", "level: Level  grade: Int"),
        ("scalar DateTime", "scalar DateTime scalar Date"),
    ],
)
def test_additions_are_compatible(promised: str, made: str) -> None:
    assert broken(read(PROMISED), read(PROMISED.replace(promised, made))) == []


def test_an_unknown_exception_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Query\.absent"):
        read(PROMISED, frozenset({"Query.absent"}))


def test_references_to_an_exception_are_an_error() -> None:
    with pytest.raises(TypeError, match="Level"):
        read(PROMISED, frozenset({"Level"}))


def test_missing_descriptions_are_reported() -> None:
    missing = undescribed(read(PROMISED))
    assert {"Query", "Query.tags", "Query.list(first:)", "Filter.level", "Level.LOW", "DateTime"} <= set(
        missing
    )
    assert undescribed(read('"""All."""\ntype Query {\n  "One."\n  a("It." b: Int): Int\n}')) == []
