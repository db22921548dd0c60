"""Every cell of the table of permissions, over HTTP: each identity on each field, mutation and object.

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
from tests.permissions.identities import EVERYONE, REFUSED, ROLES, is_granted
from tests.permissions.walk import Asked, fields, value_at
from tests.permissions.world import Dump

FIELDS = fields()
WAYS = [(rule, way) for rule, ways in HIDDEN.items() for way in ways]

everyone = pytest.mark.parametrize("identity", EVERYONE)

#: Fields that are false on the first page, for everyone.
FALSE = {"PageInfo.hasNextPage", "PageInfo.hasPreviousPage"}


def test_the_matrix_has_every_rule_and_every_mutation() -> None:
    assert schema.mutation_type is not None
    assert ACTIONS.keys() == schema.mutation_type.fields.keys()
    restricted = {field.coordinate for field in FIELDS} & RULES.keys()
    assert restricted | ACTIONS.keys() | HIDDEN.keys() == RULES.keys()


@everyone
@pytest.mark.parametrize("name", ACTIONS)
async def test_mutation(ask: Ask, place: Database, intact: Dump, name: str, identity: str) -> None:
    answer = await ask(identity, text(name), {"input": ACTIONS[name].input(identity)})
    if identity in REFUSED:
        _expect_unauthenticated(answer)
    else:
        codes = [error["code"] for error in _data(answer)[name]["errors"]]
        assert codes == _codes(identity, name)
    if identity in REFUSED or _codes(identity, name):
        assert await world.dump(place) == intact


@everyone
@pytest.mark.parametrize("field", FIELDS, ids=[field.coordinate for field in FIELDS])
async def test_field(ask: Ask, listener: Sent, field: Asked, identity: str) -> None:
    if identity in REFUSED:
        await _expect_refusal(ask, listener, identity, field.query)
        return
    value = value_at(_data(await ask(identity, field.query)), field.keys)
    if field.rules:
        assert bool(value) is all(is_granted(identity, RULES[rule]) for rule in field.rules)
    elif field.coordinate not in FALSE:
        assert value


@everyone
@pytest.mark.parametrize(("rule", "way"), WAYS, ids=[f"{rule} {way.name}" for rule, way in WAYS])
async def test_hidden_document(ask: Ask, listener: Sent, rule: str, way: Way, identity: str) -> None:
    if identity in REFUSED:
        await _expect_refusal(ask, listener, identity, way.query)
        return
    value = value_at(_data(await ask(identity, way.query)), way.keys)
    assert bool(value) is is_granted(identity, RULES[rule])


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


def _expect_unauthenticated(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert "data" not in answer.json()


async def _expect_refusal(ask: Ask, sent: Sent, identity: str, query: str) -> None:
    """Expects a 401, and no command to MongoDB."""
    sent.commands.clear()
    _expect_unauthenticated(await ask(identity, query))
    assert sent.commands == []
