"""Hashing passwords: off the event loop, and with a bounded queue."""

import threading
from asyncio import create_task, gather, sleep
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.errors import HashingOverloadedError
from resolvers.signing_in import passwords, sign_up_limits
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, served
from tests.writes.support import Json, Value


@pytest.mark.parametrize("what", ["hash_password", "verify"])
async def test_hashing_doesnt_block_the_event_loop(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    stored = await passwords.hash_password(PASSWORD)
    goes_on, real, where = threading.Event(), passwords._hasher, []

    def waiting(function: Callable[..., Value]) -> Callable[..., Value]:
        def wait(*arguments: Value) -> Json:
            where.append(threading.current_thread().name)
            assert goes_on.wait(60), "the event loop is blocked"
            return function(*arguments)

        return wait

    hasher = SimpleNamespace(hash=waiting(real.hash), verify=waiting(real.verify))
    monkeypatch.setattr(passwords, "_hasher", hasher)
    task = create_task(
        passwords.hash_password(PASSWORD) if what == "hash_password" else passwords.verify(PASSWORD, stored)
    )
    for _ in range(10):
        await sleep(0)
    assert not task.done()
    goes_on.set()
    assert await task
    assert len(where) == 1
    assert where[0].startswith("passwords")


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hashes are computed only once this event is set."""
    goes_on, real = threading.Event(), passwords._hasher

    def wait(password: str) -> str:
        goes_on.wait(60)
        return real.hash(password)

    monkeypatch.setattr(passwords, "_hasher", SimpleNamespace(hash=wait, verify=real.verify))
    yield goes_on
    goes_on.set()


async def test_so_many_passwords_wait_and_the_next_is_refused(
    stopped: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_PENDING", 4)
    pending = [create_task(passwords.hash_password(PASSWORD)) for _ in range(4)]
    await sleep(0)
    with pytest.raises(HashingOverloadedError):
        await passwords.hash_password(PASSWORD)
    stopped.set()
    assert len(await gather(*pending)) == 4
    assert await passwords.hash_password(PASSWORD)


async def test_a_password_waits_only_for_a_while_and_is_then_not_hashed(
    stopped: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_LONGEST", 0.05)
    tasks = [create_task(passwords.hash_password(PASSWORD)) for _ in range(5)]
    results = await gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [HashingOverloadedError] * 5
    assert passwords._queue._pending == 0
    assert passwords._queue._threads._work_queue.qsize() <= 3
    stopped.set()
    monkeypatch.undo()
    assert await passwords.hash_password(PASSWORD)


async def test_an_overloaded_sign_up_gets_a_503_and_counts_for_nothing(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_PENDING", 0)
    fields = f'name: "Ada", email: "{EMAIL}", password: "{PASSWORD}"'
    async with served(settings) as gateway:
        answer = await gateway.post(f"mutation {{ signUp(input: {{{fields}}}) {{ accessToken }} }}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "OVERLOADED", "retryAfter": 5}
    assert {attempt["count"] for attempt in await database["attempts"].find().to_list(None)} == {0}


@pytest.mark.parametrize("name", ["signUp", "signIn", "resetPassword"])
async def test_a_request_uses_so_many_passwords_and_no_more(
    settings: Settings, database: Database, name: str
) -> None:
    async with served(settings) as gateway:
        for more, expected in ((0, None), (1, "RATE_LIMITED")):
            errors = await last_errors(gateway, name, sign_up_limits.MAX_PASSWORDS + more)
            assert (errors[0]["code"] if errors and expected else None) == expected
            if expected:
                assert errors[0]["retryAfter"] == 1
    assert await database["accounts"].count_documents({}) <= 2 * sign_up_limits.MAX_PASSWORDS


async def last_errors(gateway: Gateway, name: str, number: int) -> list[Json]:
    """Runs a mutation several times in one request. Returns the errors of the last one."""
    inputs = {
        "signUp": 'name: "Ada", email: "ada{}-{}@example.org", password: "a long password"',
        "signIn": 'email: "ada{}-{}@example.org", password: "wrong"',
        "resetPassword": 'token: "{}-{}", newPassword: "a long password"',
    }
    fields = " ".join(
        f"m{n}: {name}(input: {{{inputs[name].format(number, n)}}}) {{ errors {{ code retryAfter }} }}"
        for n in range(number)
    )
    data = (await gateway.post(f"mutation {{ {fields} }}")).json()["data"]
    assert len(data) == number
    errors: list[Json] = data[f"m{number - 1}"]["errors"]
    return errors
