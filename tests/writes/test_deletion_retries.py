"""A deletion of an account that is sent again, at once or after a gateway has died."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import loaders.audit
from app.settings import Settings
from loaders.model import ActorDoc
from loaders.mongo import Database, transaction
from loaders.people import delete_account, unfinished_erasures
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, served

_DELETE = "mutation($i: DeleteAccountInput!) { deleteAccount(input: $i) { errors { code } } }"


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    async with served(settings) as gateway:
        yield gateway


async def _signed_up(gateway: Gateway) -> str:
    values = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "idempotencyKey": "1"}
    payload = await gateway.mutate("signUp", values)
    token: str = payload["accessToken"]
    return token


async def _deleted(gateway: Gateway, token: str) -> Any:
    answer = (await gateway.post(_DELETE, {"i": {"password": PASSWORD}}, token=token)).json()
    return answer["data"]["deleteAccount"]["errors"]


async def test_it_finishes_what_a_killed_gateway_has_left(gateway: Gateway, database: Database) -> None:
    token = await _signed_up(gateway)
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    own: ActorDoc = {
        "subject": str(account["_id"]), "roles": ["STUDENT"], "studentId": account["studentId"],
        "instructorId": None,
    }  # fmt: skip

    async def begin(tx: Any) -> None:
        await delete_account(tx, await tx.get("accounts", account["_id"]))
        await loaders.audit.record(tx, "deleteAccount", own, "")

    await transaction(database, begin)
    assert await unfinished_erasures(database) == 1

    assert await _deleted(gateway, token) == []

    assert await unfinished_erasures(database) == 0
    signed_up = await database["auditLog"].find_one({"action": "signUp"})
    assert signed_up
    assert EMAIL not in str(signed_up)


async def test_several_at_once_get_the_same_answer(gateway: Gateway, database: Database) -> None:
    token = await _signed_up(gateway)

    answers = await asyncio.gather(*(_deleted(gateway, token) for _ in range(3)))

    assert answers == [[], [], []]
    assert await unfinished_erasures(database) == 0
    begun = {"action": "deleteAccount", "changes.collection": "accounts"}
    assert await database["auditLog"].count_documents(begun) == 1


async def test_an_ended_session_deletes_nothing(gateway: Gateway, database: Database) -> None:
    token = await _signed_up(gateway)
    await database["sessions"].delete_many({})

    assert await _deleted(gateway, token) == [{"code": "UNAUTHENTICATED"}]
    assert await database["accounts"].count_documents({}) == 1
