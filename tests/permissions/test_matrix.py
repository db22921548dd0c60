"""Every cell of the table of permissions, over HTTP: each role on each restricted field, mutation and object.

The expected result is read from the table; the tests check that the gateway enforces it.
"""

import httpx
import pytest

from loaders.mongo.database import Database
from resolvers.access.rules import RULES
from resolvers.schema import schema
from tests.permissions import world
from tests.permissions.actions import ACTIONS, text
from tests.permissions.conftest import Ask, Sent
from tests.permissions.hidden import HIDDEN, Way
from tests.permissions.identities import REFUSED, ROLES, is_granted
from tests.permissions.walk import Asked, fields, value_at
from tests.permissions.world import Dump

FIELDS = fields()
WAYS = [(rule, way) for rule, ways in HIDDEN.items() for way in ways]

OPEN = [field for field in FIELDS if not field.rules]
RESTRICTED = [field for field in FIELDS if field.rules]

every_role = pytest.mark.parametrize("identity", ROLES)

#: Fields that are false, or null, on the first page and without a search, for everyone.
FALSE = {"PageInfo.hasNextPage", "PageInfo.hasPreviousPage", "CourseConnection.searchedFor"}

#: Fields that are null, because the gateway of these tests has no budgets.
NO_BUDGET = {
    "Query.rateLimit",
    *(f"RateLimit.{name}" for name in ("limit", "remaining", "used", "cost", "resetAt")),
}


def test_the_matrix_has_every_rule_and_every_mutation() -> None:
    assert schema.mutation_type is not None
    assert ACTIONS.keys() == schema.mutation_type.fields.keys()
    restricted = {field.coordinate for field in FIELDS} & RULES.keys()
    assert restricted | ACTIONS.keys() | HIDDEN.keys() == RULES.keys()


@every_role
@pytest.mark.parametrize("name", ACTIONS)
async def test_mutation(ask: Ask, place: Database, intact: Dump, name: str, identity: str) -> None:
    answer = await ask(identity, text(name), {"input": ACTIONS[name].input(identity)})
    expected = _codes(identity, name)
    assert [error["code"] for error in _data(answer)[name]["errors"]] == expected
    if expected:
        assert await world.dump(place) == intact


@every_role
@pytest.mark.parametrize("field", RESTRICTED, ids=[field.coordinate for field in RESTRICTED])
async def test_restricted_field(ask: Ask, field: Asked, identity: str) -> None:
    value = value_at(_data(await ask(identity, field.query)), field.keys)
    assert bool(value) is all(is_granted(identity, RULES[rule]) for rule in field.rules)


@pytest.mark.parametrize("field", OPEN, ids=[field.coordinate for field in OPEN])
async def test_open_field(ask: Ask, field: Asked) -> None:
    value = value_at(_data(await ask("anonymous", field.query)), field.keys)
    assert value or field.coordinate in FALSE | NO_BUDGET


@every_role
@pytest.mark.parametrize(("rule", "way"), WAYS, ids=[f"{rule} {way.name}" for rule, way in WAYS])
async def test_hidden_document(ask: Ask, rule: str, way: Way, identity: str) -> None:
    value = value_at(_data(await ask(identity, way.query)), way.keys)
    assert bool(value) is is_granted(identity, RULES[rule])


@pytest.mark.parametrize("identity", REFUSED)
async def test_an_invalid_token_is_refused_before_anything_is_parsed(
    ask: Ask, listener: Sent, place: Database, intact: Dump, identity: str
) -> None:
    listener.commands.clear()
    create = text("createCourse")
    for operation in (OPEN[0].query, RESTRICTED[0].query, WAYS[0][1].query, create, "not GraphQL"):
        answer = await ask(identity, operation, {"input": ACTIONS["createCourse"].input("staff")})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token", ')
        (error,) = answer.json()["errors"]
        code = "TOKEN_EXPIRED" if identity == "expired" else "UNAUTHENTICATED"
        assert error["extensions"] == {"code": code}
        assert "data" not in answer.json()
    assert listener.commands == []
    assert await world.dump(place) == intact


def _codes(identity: str, name: str) -> list[str]:
    """Returns the expected error codes of a mutation."""
    rule, (column, _) = RULES[name], ROLES[identity]
    if is_granted(identity, rule):
        return []
    if identity == "anonymous":
        return ["UNAUTHENTICATED"]
    is_unseen = ACTIONS[name].hidden and getattr(rule, column) == "own"
    return ["NOT_FOUND" if is_unseen else "FORBIDDEN"]


def _data(answer: httpx.Response) -> dict[str, dict[str, list[dict[str, str]]]]:
    assert answer.status_code == 200
    payload = answer.json()
    assert "errors" not in payload, payload["errors"]
    data: dict[str, dict[str, list[dict[str, str]]]] = payload["data"]
    return data
