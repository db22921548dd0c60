"""Without introspection, an error tells nothing about the schema."""

from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, is_input_object_type, parse
from hypothesis import given
from hypothesis import strategies as st

from app.execution import Executor, Operation, Prepared, Refusal
from app.execution.refusals import RefusedError
from app.execution.variables import Variables
from resolvers.schema import schema
from tests.attacks.names import names

executor = Executor(schema, introspection=False)

INVALID = {  # one for each kind of error that tells something about a schema
    "an unknown field": "{ nothing }",
    "an unknown field of a type": "{ courses { nodes { titel } } }",
    "an object without a selection": "{ courses }",
    "a value with a selection": "{ courses { totalCount { x } } }",
    "an unknown argument": "{ courses(frist: 1) { totalCount } }",
    "a missing argument": "{ node { id } }",
    "an argument twice": "{ courses(first: 1, first: 2) { totalCount } }",
    "a string for a number": '{ courses(first: "x") { totalCount } }',
    "a number for an object": "{ courses(filter: 1) { totalCount } }",
    "null for a value": "{ node(id: null) { id } }",
    "an unknown input field": "{ courses(filter: { tag: 1 }) { totalCount } }",
    "an unknown enum value": "{ courses(filter: { levels: [BEGINNR] }) { totalCount } }",
    "a missing input field": "mutation { createCourse(input: {}) { errors { code } } }",
    "an unknown type of a fragment": "{ courses { nodes { ... on Coursee { id } } } }",
    "a fragment on a value": "{ courses { nodes { ... on Level { id } } } }",
    "an impossible fragment": '{ courses { nodes { ... on Student { id } } } }',
    "a field of an interface": '{ node(id: "x") { slug } }',
    "an unknown type of a variable": "query ($f: CourseFiltr) { courses(filter: $f) { totalCount } }",
    "an output type of a variable": "query ($f: Course) { courses(filter: $f) { totalCount } }",
    "a variable of another type": "query ($n: String) { courses(first: $n) { totalCount } }",
    "a wrong default": 'query ($n: Int = "x") { courses(first: $n) { totalCount } }',
    "an unknown directive": "{ __typename @uper }",
    "a directive twice": "{ __typename @skip(if: true) @skip(if: true) }",
    "an argument of a directive": "{ __typename @skip(unless: true) }",
    "fields that can't be merged": "{ courses { nodes { a: id a: title } } }",
    "types that conflict": '{ node(id: "x") { ...on Course { a: title } ...on Review { a: rating } } }',
    "introspection": "{ __schema { queryType { name } } }",
    "introspection of a type": '{ __type(name: "Course") { name } }',
    "introspection of nothing": '{ __type(name: "Nothing") { name } }',
    "a subscription": "subscription { courses { totalCount } }",
    "ten unknown fields": "{ a b c d e f g h i j k l }",
    "an unknown fragment": "{ ...Nothing }",
    "a fragment that is not used": "fragment F on Query { __typename } { __typename }",
}  # fmt: skip


def refusal(text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    refused = executor.prepare(Operation(text, variables))
    assert isinstance(refused, Refusal), refused
    return refused.payload


@pytest.mark.parametrize("text", INVALID.values(), ids=INVALID)
def test_all_invalid_documents_get_the_same_answer(text: str) -> None:
    assert orjson.dumps(refusal(text)) == (
        b'{"errors":[{"message":"The operation is not valid for this schema. Introspection is off here '
        b'(LECTERN_INTROSPECTION), so the reason is not given.",'
        b'"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}'
    )


def test_with_introspection_each_error_is_another() -> None:
    told = Executor(schema)
    messages = {
        str(refused.payload) for text in INVALID.values()
        if isinstance(refused := told.prepare(Operation(text)), Refusal)
    }  # fmt: skip
    assert len(messages) == len([text for text in INVALID.values() if "__" not in text or "@" in text])


# -- the names of the schema -------------------------------------------------------------------------------


NAMES = sorted(set(names(schema)))
INPUTS = sorted(name for name, type_ in schema.type_map.items() if is_input_object_type(type_))

selections = st.lists(st.sampled_from([*NAMES, "nothing"]), min_size=1, max_size=30).map(" ".join)


@given(
    st.recursive(selections, lambda inner: st.builds("{} {{ {} }}".format, st.sampled_from(NAMES), inner)),
    st.sampled_from(["query", "mutation"]),
)
def test_documents_of_real_names_are_valid_or_get_that_answer(selection: str, kind: str) -> None:
    prepared = executor.prepare(Operation(f"{kind} {{ {selection} }}"))
    if isinstance(prepared, Refusal) and prepared.code == "GRAPHQL_VALIDATION_FAILED":
        assert prepared.payload == refusal("{ nothing }")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["x", "2026-01-01", *NAMES]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.sampled_from(INPUTS), values)
def test_an_input_object_that_is_wrong_does_not_say_how(type_: str, value: Any) -> None:
    try:
        variables(f"$v: {type_}").coerced({"v": value})
    except RefusedError as error:
        refused = error.refusal
    else:
        return
    assert refused.payload == WRONG_OBJECT


@pytest.mark.parametrize("value", [1, {}, {"nothing": 1}, {"slug": None}, [{"title": {"nothing": 1}}]])
def test_each_mistake_in_an_input_object_gets_the_same_answer(value: Any) -> None:
    with pytest.raises(RefusedError) as error:
        variables("$v: CreateCourseInput!").coerced({"v": value})
    assert error.value.refusal.payload == WRONG_OBJECT


def test_only_the_first_of_several_wrong_variables_is_named() -> None:
    with pytest.raises(RefusedError) as error:
        variables("$v: CreateCourseInput, $w: CreateCourseInput").coerced({"v": {}, "w": {}})
    assert error.value.refusal.payload == WRONG_OBJECT


@pytest.mark.parametrize(
    ("definition", "value", "told"),
    [
        ("$v: Int", "x", ": Int cannot represent non-integer value: 'x'"),
        ("$v: [Level!]", ["BEGINNR"], " at [0]: Value 'BEGINNR' does not exist in 'Level' enum."),
        ("$v: Level!", None, ": Expected value of non-null type 'Level!' not to be None."),
    ],
)
def test_a_wrong_scalar_or_enum_is_explained(definition: str, value: Any, told: str) -> None:
    """The client has named its type, and the message names no other."""
    with pytest.raises(RefusedError) as error:
        variables(definition).coerced({"v": value})
    assert [e["message"] for e in error.value.refusal.errors] == [f"Variable '$v' has invalid value{told}"]


def variables(definitions: str) -> Variables:
    operation = parse(f"query ({definitions}) {{ __typename }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Variables(schema, operation, names_schema=False)


WRONG_OBJECT = {
    "errors": [
        {
            "message": "Variable '$v' has an invalid value. Introspection is off here "
            "(LECTERN_INTROSPECTION), so the reason is not given.",
            "locations": [{"line": 1, "column": 8}],
            "extensions": {"code": "BAD_USER_INPUT"},
        }
    ]
}


EXPENSIVE = """{ courses(first: 100) { nodes { reviews(first: 100) { nodes { student {
  reviews(first: 100) { nodes { id } } } } } } } }"""

# -- what is parsed, limited and run all the same ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ courses { ", "Syntax Error"),
        ("query A { __typename } query B { __typename }", "use `operationName`"),
        (EXPENSIVE, "costs"),
    ],
)
def test_other_refusals_still_say_why(text: str, told: str) -> None:
    (error,) = refusal(text)["errors"]
    assert told in error["message"]


def test_valid_operations_are_prepared() -> None:
    assert isinstance(executor.prepare(Operation("{ __typename courses { totalCount } }")), Prepared)
