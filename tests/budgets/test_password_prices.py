"""Budgets don't count the hashing of passwords in fields that have limits of their own."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from app.execution import Executor, Operation, Prepared
from loaders.mongo.database import Database
from resolvers.schema import declaration, schema
from tests.http.requests import Serve, client, error
from tests.support import UNLIMITED

DOCS = Path(__file__).parents[2] / "docs"
SIGN_IN = 'signIn(input: {email: "a@b.cc", password: "x"}) { accessToken errors { code } }'
CHANGE = 'changePassword(input: {currentPassword: "x", newPassword: "y"}) { errors { code } }'
#: Beside a sign-in, six pages of the viewer's own lists.
READS = " ".join(
    f"v{n}: viewer {{ student {{ enrollments(first: 100) {{ nodes {{ id }} }} }} }}" for n in range(6)
)
SIGN_IN_AND_READS = f'signIn(input: {{email: "a@b.cc", password: "x"}}) {{ {READS} }}'
HASH = 4_000  # the price of the weight of one hash


def prepared(query: str, variables: dict[str, object] | None = None) -> Prepared:
    found = Executor(schema, UNLIMITED).prepare(Operation(query, variables))
    assert isinstance(found, Prepared), found
    return found


@pytest.mark.parametrize(
    ("query", "apart"),
    [
        (f"mutation {{ {SIGN_IN} }}", HASH),
        (f"mutation {{ a: {SIGN_IN} b: {SIGN_IN} }}", 2 * HASH),
        (f"mutation {{ a: {SIGN_IN} ...F }} fragment F on Mutation {{ b: {SIGN_IN} }}", 2 * HASH),
        (f"mutation {{ a: {SIGN_IN} b: {SIGN_IN.replace(') {', ') @skip(if: true) {')} }}", HASH),
        (f"mutation {{ {SIGN_IN_AND_READS} }}", HASH),
        (f"mutation {{ a: {SIGN_IN} {CHANGE} }}", HASH),
        ('mutation { signOut(input: {refreshToken: "x"}) { errors { code } } }', 0),
        ("{ courses { nodes { reviews { totalCount } } } __typename }", 0),
    ],
)
def test_a_budget_pays_the_price_without_the_weight_of_sign_ins(query: str, apart: int) -> None:
    price = prepared(query)
    assert price.cost.price - price.budgeted == apart
    assert price.budgeted > 0


def test_on_graphql_core_the_weight_counts_ten_times_in_both() -> None:
    sign_in = SIGN_IN.replace(") {", ") @skip(if: $skip) {")
    query = f"mutation($skip: Boolean = false) {{ {sign_in} __typename @include(if: $skip) }}"
    price, ordinary = prepared(query, {"skip": None}), prepared(query, {"skip": False})
    assert [one.price - one.budgeted for one in (price, ordinary)] == [10 * HASH, HASH]
    assert price.budgeted < HASH


def test_the_documentation_names_the_fields() -> None:
    mutation = schema.mutation_type
    assert mutation is not None
    fields = {name: declaration(field).metadata for name, field in mutation.fields.items()}
    apart = {name for name, metadata in fields.items() if metadata["has_own_limit"]}
    text = (DOCS / "cost.md").read_text(encoding="utf-8")
    (names,) = re.findall(r"without the weights of (.+?) in a mutation", text, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", names)) == apart
    assert {fields[name]["weight"] for name in apart} == {5 * HASH}


async def mutate(http: httpx.AsyncClient, query: str, headers: dict[str, str]) -> httpx.Response:
    return await http.post("/graphql", json={"query": f"mutation {{ {query} }}"}, headers=headers, timeout=60)


async def test_a_class_that_signs_in_at_once_is_not_refused_by_its_budget(
    serve: Serve, database: Database, address: dict[str, str]
) -> None:
    """60 sign-ins from one address. Some may be refused because too many passwords wait for their hashes."""
    number, one = 60, prepared(f"mutation {{ {SIGN_IN} }}").budgeted
    async with client(serve(budgets=f"public=1:{number * one}")) as http:
        answers = await asyncio.gather(*(mutate(http, SIGN_IN, address) for _ in range(number)))
        codes = {e["extensions"]["code"] for a in answers for e in a.json().get("errors", ())}
        assert codes <= {"OVERLOADED"}
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert 200 in {answer.status_code for answer in answers}


async def test_reads_beside_a_sign_in_pay(
    serve: Serve, database: Database, address: dict[str, str], other_address: dict[str, str]
) -> None:
    price = prepared(f"mutation {{ {SIGN_IN_AND_READS} }}").budgeted
    assert price > 600
    async with client(serve(budgets=f"public=1:{price - 1}")) as http:
        assert error(await mutate(http, SIGN_IN_AND_READS, address))[1] == "OPERATION_TOO_LARGE"
    async with client(serve(budgets=f"public=1:{price}")) as http:
        assert (await mutate(http, SIGN_IN_AND_READS, other_address)).json().keys() == {"data"}


async def test_the_response_shows_what_the_budget_pays(
    serve: Serve, database: Database, address: dict[str, str]
) -> None:
    price = prepared(f"mutation {{ {SIGN_IN} }}").budgeted
    shown = {**address, "x-lectern-cost": "1"}
    async with client(serve(budgets="public=1:1000")) as http:
        answer = await mutate(http, SIGN_IN, shown)
    async with client(serve()) as http:
        without = (await mutate(http, SIGN_IN, shown)).json()["extensions"]["cost"]
    cost = answer.json()["extensions"]["cost"]
    assert cost["requested"] == without["requested"] == price
    assert 20 < cost["actual"] < price
    left = int(answer.headers["ratelimit"].split(";")[1].removeprefix("r="))
    assert 0 <= left - (1_000 - cost["actual"]) <= 5  # restored meanwhile
