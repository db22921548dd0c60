"""Invalid literals are request errors with a location, never errors of Python itself."""

import pytest

from tests.resolvers.conftest import Ask

LONG = "1" * 4_301  # one digit more than Python converts to an int
RUN = (
    'mutation { createCourseRun(input: { courseId: "x", deliveryMode: ONLINE, startsAt: %s }) { __typename }}'
)


@pytest.mark.parametrize("digits", [4_300, 4_301, 20_000])
async def test_an_integer_is_an_unknown_id(ask: Ask, digits: int) -> None:
    number = "7" * digits
    assert await ask(f"{{ node(id: {number}) {{ id }} }}") == {"data": {"node": None}}
    assert await ask(f"{{ nodes(ids: [{number}]) {{ id }} }}") == {"data": {"nodes": [None]}}
    assert await ask(f"{{ nodes(ids: {number}) {{ id }} }}") == {"data": {"nodes": [None]}}
    text = f"query($id: ID! = {number}) {{ node(id: $id) {{ id }} course(id: $id) {{ id }} }}"
    assert await ask(text) == {"data": {"node": None, "course": None}}
    refused = await ask(f"mutation {{ enroll(input: {{ courseId: {number} }}) {{ errors {{ code }} }} }}")
    assert refused["data"]["enroll"]["errors"] == [{"code": "UNAUTHENTICATED"}]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (
            "{ courses(filter: { minRating: 1e309 }) { totalCount } }",
            32,
            "Float cannot represent non-finite value: 1e309",
        ),
        (
            "{ courses(filter: { minRating: -1e309 }) { totalCount } }",
            32,
            "Float cannot represent non-finite value: -1e309",
        ),
        (
            "query($m: Float = 1e999) { courses(filter: { minRating: $m }) { totalCount } }",
            19,
            "Float cannot represent non-finite value: 1e999",
        ),
        (
            f"{{ courses(filter: {{ minRating: {LONG} }}) {{ totalCount }} }}",
            32,
            "Float cannot represent non-finite value: 111",
        ),
        (
            'mutation { updateProgress(input: { enrollmentId: "x", progress: 1e309 }) { __typename } }',
            65,
            "Float cannot represent non-finite value: 1e309",
        ),
        (f"{{ courses(first: {LONG}) {{ totalCount }} }}", 18, "Int cannot represent non 32-bit signed"),
        (f"{{ courses(first: -{LONG}) {{ totalCount }} }}", 18, "Int cannot represent non 32-bit signed"),
        (f"query($n: Int = {LONG}) {{ courses(first: $n) {{ totalCount }} }}", 17, "Int cannot represent"),
        (RUN % '"soon"', 84, 'Value cannot represent a DateTime: "soon".'),
        (RUN % "5", 84, "DateTime cannot represent a non string value: 5"),
        (RUN % LONG, 84, "DateTime cannot represent a non string value: 111"),
        (RUN % "{ a: [1e999] }", 84, "DateTime cannot represent a non string value: { a: [1e999] }"),
        (
            'mutation($t: DateTime! = "soon") { createCourseRun(input: { courseId: "x", '
            "deliveryMode: ONLINE, startsAt: $t }) { __typename } }",
            26,
            'Value cannot represent a DateTime: "soon".',
        ),
    ],
)
async def test_an_invalid_literal_is_a_request_error_with_its_location(
    ask: Ask, text: str, column: int, message: str
) -> None:
    payload = await ask(text)
    (error,) = payload["errors"]
    assert "data" not in payload
    assert error["message"].startswith(message)
    assert error["locations"] == [{"line": 1, "column": column}]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "sys." not in error["message"]
    assert len(error["message"]) < 200


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400])
async def test_a_variable_that_is_not_finite_is_refused(ask: Ask, value: object) -> None:
    text = "query($m: Float) { courses(filter: { minRating: $m }) { totalCount } }"
    (error,) = (await ask(text, {"m": value}))["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_the_largest_values_are_accepted(ask: Ask) -> None:
    text = "{ courses(filter: { minRating: 1.7976931348623157e308 }) { totalCount } }"
    assert await ask(text) == {"data": {"courses": {"totalCount": 0}}}
    text = "{ courses(filter: { durationDays: { min: -2147483648, max: 2147483647 } }) { totalCount } }"
    assert await ask(text) == {"data": {"courses": {"totalCount": 0}}}
