"""The price of an operation: what it counts, exactly at the limit and one over."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query, get_operation_ast, parse

from app.execution import Executor, Operation, Prepared, Refusal
from app.execution.document import Document
from app.execution.pricing.cost import Cost
from app.operation_limits import Limits
from resolvers.schema import schema
from tests.budgets.pages import CARD, PAGES
from tests.support import UNLIMITED


def cost(query: str, variables: dict[str, Any] | None = None, limits: Limits = UNLIMITED) -> Cost:
    text = parse(query)
    operation = get_operation_ast(text)
    assert operation is not None
    document = Document(schema, text, operation)
    return document.priced(document.variables.coerced(variables), limits).cost


def refusal(answer: Any) -> Any:
    assert isinstance(answer, Refusal), answer
    (error,) = answer.payload["errors"]
    assert error["extensions"] == {"code": "OPERATION_TOO_LARGE"}
    return error["message"]


@pytest.mark.parametrize(
    ("query", "variables", "objects"),
    [
        ("{ __typename }", None, 0),
        ("{ courses(first: 100) { nodes { id } } }", None, 101),
        ("{ courses { nodes { id } } }", None, 21),
        ("{ courses(last: 3) { edges { cursor node { id } } pageInfo { endCursor } } }", None, 1 + 3 * 2 + 1),
        ("{ courses(first: 100) { nodes { reviews(first: 10) { nodes { id } } } } }", None, 1201),
        ("query($n: Int) { courses(first: $n) { nodes { id } } }", {"n": 7}, 8),
        ("query($n: Int = 9) { courses(first: $n) { nodes { id } } }", None, 10),
        ("query($n: Int = 9) { courses(first: $n) { nodes { id } } }", {"n": None}, 21),
        ("query($n: Int) { courses(first: $n) { nodes { id } } }", {"n": 7.0}, 8),
        ("{ courses(first: 9) { totalCount pageInfo { hasNextPage } } }", None, 1 + 9 + 1),
        ("{ courses(first: 9) { a: edges { cursor } nodes { id } } }", None, 1 + 9 + 9),
        ('{ nodes(ids: ["a", "b"]) { id } }', None, 2),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["a"] * 4}, 4),
        ("query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": "a"}, 1),
        ('{ course(slug: "a") { relatedCourses { id } } }', None, 1 + 6),
        (
            '{ course(slug: "a") { relatedCourses(first: 12) { relatedCourses(first: 2) { id } } } }',
            None,
            1 + 12 * 3,
        ),
        (
            "query($n: Int) { courses(first: 3) { nodes { relatedCourses(first: $n) { id } } } }",
            {"n": 2},
            4 + 3 * 2,
        ),
        (
            "query($n: Int) { courses(first: 3) { nodes { relatedCourses(first: $n) { id } } } }",
            {"n": None},
            4 + 3 * 6,
        ),
        ('{ node(id: "a") { ... on Course { reviews(first: 2) { nodes { id } } } } }', None, 1 + 1 + 2),
        (
            "{ courses(first: 2) { ...P } } fragment P on CourseConnection { nodes { ...C } } "
            "fragment C on Course { category { name } }",
            None,
            1 + 2 * 2,
        ),
    ],
)
def test_objects_are_counted_by_the_sizes_of_pages(
    query: str, variables: dict[str, Any], objects: int
) -> None:
    assert cost(query, variables).objects == objects


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("{ courses(first: 10) { nodes { slug title } } }", 20),
        ("{ courses(first: 10) { nodes { a: title b: title } } }", 20),
        ("{ courses(first: 10) { nodes { title } nodes { title } } }", 10),
        ("{ courses(first: 10) { nodes { __typename } } }", 10),
        ("{ courses(first: 10) { nodes { description } } }", 10 * 15),
        ("{ courses(first: 10) { edges { cursor } } }", 10 * 4),
        ("{ courses(first: 10) { nodes { reviews(first: 1) { nodes { body } } } } }", 10 * 25 + 10 * 5),
        ('{ courses(first: 10, filter: {tags: ["a", "b"], levels: [BEGINNER]}) { nodes { slug } } }', 10 + 3),
        (
            'query ($f: CourseFilter = {tags: ["a", "b"]}) '
            "{ a: courses(filter: $f) { __typename } courses(filter: $f) { __typename } }",
            2 + 2,
        ),
    ],
    ids=[
        "leaves",
        "aliases",
        "merged",
        "typename",
        "long texts",
        "cursors",
        "lists",
        "arguments",
        "variables",
    ],
)
def test_values_are_counted_once_for_each_object(query: str, values: int) -> None:
    assert cost(query).values == values


@pytest.mark.parametrize(
    ("query", "commands"),
    [
        ("{ platform { __typename } }", 0),
        ("{ a: platform { students } b: platform { students } }", 1),
        ("{ a: courses { totalCount } b: courses { totalCount } }", 2),
        # graphql-core runs introspection and the fields beside it: there, each alias is a call of its own.
        ("{ a: courses { totalCount } b: courses { totalCount } __schema { queryType { name } } }", 4),
        ("{ a: courses(first: 1) { totalCount } b: courses(first: 2) { totalCount } }", 4),
        ("{ courses { nodes { a: reviews { nodes { id } } b: reviews { nodes { id } } } } }", 1 + 3),
        ("{ categories { a: courses(first: 1) { totalCount } b: courses(first: 2) { totalCount } } }", 5),
        (
            "{ courses { nodes { category { name } } } "
            "c: courses(first: 3) { nodes { category { name } "
            "reviews { nodes { course { category { id } } } } } } }",
            10,
        ),
        # The second list is empty, but the first is not: its categories are fetched.
        ("{ a: courses(first: 2) { nodes { category { id } } } "
         "b: courses(first: 0) { nodes { category { id } } } }", 4),
        ("{ __typename courses { nodes { category { name } prerequisites { category { name } } } } }", 7),
        ('{ platform { students } x: __type(name: "No") { name } }', 1),
        # graphql-core runs an operation with such a condition.
        ("query ($no: Boolean) { a: platform { students } b: platform { students } "
         "c: __typename @skip(if: $no) }", 2),
        ('mutation { a: signOut(input: {refreshToken: "x"}) { clientMutationId } '
         'b: signOut(input: {refreshToken: "x"}) { clientMutationId } }', 10),
    ],
    ids=[
        "none", "roots", "lists", "beside introspection", "arguments", "calls", "lists of parents",
        "branches", "an empty page", "depths", "one beside introspection",
        "a condition without a value", "writes",
    ],
)  # fmt: skip
def test_equal_calls_of_one_depth_are_one(query: str, commands: int) -> None:
    assert cost(query).commands == commands


@pytest.mark.parametrize(
    "by", ["@skip(if: true)", "@include(if: false)", "@skip(if: $on)", "@include(if: $off)"]
)
@pytest.mark.parametrize(
    "where", ["courses {by} {{ nodes {{ id }} }}", "... {by} {{ courses {{ nodes {{ id }} }} }}", "...F {by}"]
)
def test_skipped_fields_are_not_counted(by: str, where: str) -> None:
    query = (
        "query ($on: Boolean = true, $off: Boolean = false) { "
        "__typename x: __typename @skip(if: $off) @include(if: $on) "
        + where.format(by=by)
        + " } fragment F on Query { courses { nodes { id } } }"
    )
    assert cost(query) == (0, 2, 0)
    given = {"on": False, "off": True}
    assert cost(query, given).objects == (0 if by.endswith(("true)", "false)")) else 21)


def test_the_dearest_type_of_an_interface_counts() -> None:
    course, review = (
        "... on Course { reviews(first: 9) { nodes { id } } }",
        "... on Review { body course { id } }",
    )
    assert cost(f'{{ node(id: "x") {{ {course} {review} }} }}').objects == 1 + 1 + 9
    assert cost(f'{{ node(id: "x") {{ {review} }} }}').objects == 1 + 1


def test_a_price_adds_up_objects_values_and_commands() -> None:
    assert Cost(100, 50, 3).price == 100 + 50 // 5 + 3 * 20


QUERY = "{ courses(first: 100) { nodes { reviews(first: 10) { nodes { id } } } } }"
PRICE = 1201 + (100 * 25 + 1000) // 5 + 4 * 20


@pytest.mark.parametrize(("allowed", "is_refused"), [(PRICE, False), (PRICE - 1, True)])
def test_an_operation_costs_at_most_max_cost(allowed: int, is_refused: bool) -> None:
    prepared = Executor(schema, replace(UNLIMITED, cost=allowed)).prepare(Operation(QUERY))
    if not is_refused:
        assert isinstance(prepared, Prepared)
        assert prepared.cost.price == PRICE
        return
    assert refusal(prepared) == (
        f"The operation costs up to {PRICE:,} (1,201 objects, 3,500 values and 4 commands), but at most "
        f"{allowed:,} are allowed (LECTERN_MAX_COST). Request smaller pages with `first`, or fewer fields."
    )


@pytest.mark.parametrize("first", [100, 100.0])
def test_a_page_size_counts_however_json_writes_it(first: float) -> None:
    executor = Executor(schema, replace(UNLIMITED, cost=100))
    query = "query ($n: Int) { courses(first: $n) { nodes { id } } }"
    refusal(executor.prepare(Operation(query, {"n": first})))


def test_a_small_text_that_asks_for_the_world_is_refused() -> None:
    """Fragments that spread each other are short to write, and quick to count."""
    deep = "category { courses(first: 100) { nodes { " * 5 + "title" + " } } }" * 5
    fans = " ".join(
        f"fragment F{n} on Course {{ ...F{n + 1} category {{ courses {{ nodes {{ ...F{n + 1} }} }} }} }}"
        for n in range(6)
    )
    for query in (
        f"{{ courses {{ nodes {{ {deep} }} }} }}",
        f"{{ courses {{ nodes {{ ...F0 }} }} }} {fans} fragment F6 on Course {{ title }}",
    ):
        refusal(Executor(schema).prepare(Operation(query)))


@pytest.mark.parametrize(("allowed", "is_refused"), [(3 + 3 * 4, False), (3 + 3 * 4 - 1, True)])
def test_fields_are_counted_with_fragments_expanded(allowed: int, is_refused: bool) -> None:
    fragment = "fragment N on CourseConnection { nodes { id slug } totalCount }"
    query = f"{{ courses {{ ...N }} a: courses {{ ...N }} b: courses {{ ...N }} }} {fragment}"
    executor = Executor(schema, replace(UNLIMITED, fields=allowed))
    prepared = executor.prepare(Operation(query))
    if is_refused:
        assert "LECTERN_MAX_FIELDS" in refusal(prepared)
    else:
        assert isinstance(prepared, Prepared)


# -- introspection -----------------------------------------------------------------------------------------


def aliased(name: str, inner: str, count: int) -> str:
    return " ".join(f"a{number}: {name} {{ {inner} }}" for number in range(count))


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
            one_of=True,
        ),
        '{ __type(name: "Course") { name fields(includeDeprecated: true) { name type { name } } } }',
    ],
    ids=["plain", "with all that there is", "one type"],
)
def test_the_introspection_queries_of_tools_are_accepted(query: str) -> None:
    assert isinstance(Executor(schema).prepare(Operation(query)), Prepared)


def test_introspection_is_counted_on_the_schema() -> None:
    types = schema.type_map
    found = cost("{ __schema { types { name fields { name } } } }", limits=Limits())
    fields = sum(len(getattr(kind, "fields", ())) for kind in types.values() if not _is_input(kind))
    assert found == (1 + len(types) + fields, 2 * (len(types) + fields), 0)
    one = cost("query ($n: String!) { __type(name: $n) { fields { name } } }", {"n": "Money"})
    assert one.objects == 1 + 3
    assert cost('{ __type(name: "No") { fields { name } } }').objects == 0


def _is_input(kind: Any) -> bool:
    return type(kind).__name__ == "GraphQLInputObjectType"


def test_each_location_of_a_directive_is_a_value() -> None:
    locations = [location for directive in schema.directives for location in directive.locations]
    assert cost("{ __schema { directives { locations } } }").values == 2 * len(locations)


def test_a_node_beside_introspection_sends_two_commands() -> None:
    assert cost('{ node(id: "x") { id } __schema { queryType { name } } }') == (10 + 2, 10 + 2, 2)


@pytest.mark.parametrize("allowed", [True, False])
def test_introspection_costs_at_most_max_introspection_cost(allowed: bool) -> None:
    query = "{ __schema { types { name } } }"
    price = cost(query).price
    limits = replace(UNLIMITED, introspection_cost=price if allowed else price - 1)
    prepared = Executor(schema, limits).prepare(Operation(query))
    assert isinstance(prepared, Prepared if allowed else Refusal)
    if not allowed:
        assert "LECTERN_MAX_INTROSPECTION_COST" in refusal(prepared)


@pytest.mark.parametrize("aliases", [10, 40])
def test_introspection_that_multiplies_is_refused(aliases: int) -> None:
    query = (
        f"{{ __schema {{ types {{ ...A }} }} }} "
        f"fragment A on __Type {{ {aliased('fields', 'type { ...B }', aliases)} }} "
        f"fragment B on __Type {{ {aliased('fields', 'name', aliases)} }}"
    )
    limits = replace(UNLIMITED, introspection_cost=Limits().introspection_cost)
    refusal(Executor(schema, limits).prepare(Operation(query)))


def test_fields_beside_introspection_count_as_much_as_graphql_core_takes() -> None:
    assert cost("{ courses { nodes { id } } __schema { queryType { name } } }").objects == 21 * 10 + 2


@pytest.mark.parametrize(
    ("query", "variables", "commands"),
    [
        ("{ courses { totalCount } }", None, 2),
        ('{ courses(filter: { search: "a" }) { totalCount } }', None, 4),
        ("{ courses(filter: { search: null, tags: [] }) { totalCount } }", None, 2),
        ('{ categories { courses(filter: { search: "a" }) { nodes { id } } } }', None, 4),
        ('{ students(filter: { search: "a" }) { nodes { id } } }', None, 1),
        ("{ reviews(filter: { flagged: true }) { nodes { id } } }", None, 1),
        ('{ reviews(filter: { search: "a" }) { nodes { id } } }', None, 6),
        ('{ courses { nodes { reviews(filter: { search: "a" }) { nodes { id } } } } }', None, 9),
        ("query ($s: String) { courses(filter: { search: $s }) { nodes { id } } }", {"s": "a"}, 3),
        ("query ($s: String) { courses(filter: { search: $s }) { nodes { id } } }", {"s": None}, 1),
        ("query ($s: String) { courses(filter: { search: $s }) { nodes { id } } }", None, 1),
        ('query ($s: String = "a") { courses(filter: { search: $s }) { nodes { id } } }', None, 3),
        ("query ($f: CourseFilter) { courses(filter: $f) { nodes { id } } }", {"f": {"search": "a"}}, 3),
        ("query ($f: CourseFilter) { courses(filter: $f) { nodes { id } } }", {"f": {"search": None}}, 1),
        ("query ($f: CourseFilter) { courses(filter: $f) { nodes { id } } }", {"f": {}}, 1),
    ],
)
def test_a_search_may_send_two_more_commands(query: str, variables: dict[str, Any], commands: int) -> None:
    assert cost(query, variables).commands == commands


def test_a_cached_cost_depends_on_whether_there_is_a_search() -> None:
    text = parse("query ($s: String) { courses(filter: { search: $s }) { nodes { id } } }")
    operation = get_operation_ast(text)
    assert operation is not None
    document = Document(schema, text, operation)
    costs = [document.priced(document.variables.coerced({"s": s}), UNLIMITED).cost for s in (None, "a", None)]
    assert [found.commands for found in costs] == [1, 3, 1]


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ('{ courses(filter: {tags: "a"}) { __typename } }', 1 + 1),
        ('{ nodes(ids: "a") { id } }', 1 + 1),
        ('query ($t: String! = "a") { courses(filter: {tags: [$t, "b"]}) { __typename } }', 1 + 2),
    ],
)
def test_a_single_value_is_a_list_of_one(query: str, values: int) -> None:
    assert cost(query).values == values


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ a: courses { totalCount } b: courses { totalCount } }", None),
        (
            "{ courses { ...F } c: courses { ...F } } fragment F on CourseConnection { nodes { id } }",
            None,
        ),
        (
            '{ node(id: "x") { ... on Course { description tags } ... on Review { body course { id } } } }',
            None,
        ),
        ('{ nodes(ids: ["a", "b"]) { id ... on Course { runs(first: 2) { nodes { id } } } } }', None),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 100}),
        ("query ($n: Int = 4) { courses(first: $n) { nodes { id } } }", {"n": 100}),
        (
            "query ($on: Boolean!) { courses @include(if: $on) { totalCount } platform { students } }",
            {"on": True},
        ),
        (
            "query ($on: Boolean!) { courses @skip(if: $on) { totalCount } platform { students } }",
            {"on": True},
        ),
        ('mutation { signOut(input: {refreshToken: "x"}) { errors { code } } }', None),
    ],
    ids=["aliases", "fragments", "node", "nodes", "ids", "variable", "include", "skip", "write"],
)
def test_every_operation_is_accepted_up_to_exactly_its_price(
    query: str, variables: dict[str, Any] | None
) -> None:
    price = cost(query, variables).price
    for allowed, expected in ((price, Prepared), (price - 1, Refusal)):
        executor = Executor(schema, replace(UNLIMITED, cost=allowed))
        assert isinstance(executor.prepare(Operation(query, variables)), expected)


@pytest.mark.parametrize("name", PAGES)
def test_turning_plans_off_raises_no_price_of_a_page(name: str) -> None:
    """Typical pages have no equal calls."""
    page = Operation(PAGES[name] + CARD)
    on, off = (Executor(schema, compiled=compiled).prepare(page) for compiled in (True, False))
    assert isinstance(on, Prepared)
    assert isinstance(off, Prepared)
    assert off.cost == on.cost


def test_a_price_is_the_same_before_and_with_the_variables_if_plans_are_off() -> None:
    query = Operation("{ a: courses { totalCount } b: courses { totalCount } }")
    executor = Executor(schema, compiled=False)
    prepared, highest = executor.prepare(query), executor.highest_price(query)
    assert isinstance(prepared, Prepared)
    assert not isinstance(highest, Refusal)
    assert highest.cost == prepared.cost
    assert highest.cost.commands == 4


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("{ courses { nodes { id } } }", "Request smaller pages with `first`, or fewer fields."),
        ('{ nodes(ids: ["a", "b"]) { id } }', "Request fewer ids, or fewer fields."),
        (
            '{ nodes(ids: ["a", "b"]) { ... on Course { reviews { nodes { id } } } } }',
            "Request smaller pages with `first`, fewer ids, or fewer fields.",
        ),
        ('mutation { signOut(input: {refreshToken: "x"}) { errors { code } } }', "Request fewer fields."),
    ],
    ids=["pages", "ids", "both", "neither"],
)
def test_the_advice_about_a_price_fits_the_operation(query: str, advice: str) -> None:
    executor = Executor(schema, replace(UNLIMITED, cost=1))
    assert refusal(executor.prepare(Operation(query))).endswith(f" (LECTERN_MAX_COST). {advice}")
    highest = executor.highest_price(Operation(query))
    assert not isinstance(highest, Refusal)
    assert highest.advice == advice


def test_one_is_told_in_the_singular() -> None:
    refused = Executor(schema, Limits(cost=20)).prepare(Operation("{ courses(first: 1) { nodes { id } } }"))
    assert isinstance(refused, Refusal)
    assert "(2 objects, 1 value and 1 command)" in refused.errors[0]["message"]
