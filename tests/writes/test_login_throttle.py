"""The login throttle: its limits, and that no answer reveals whether an account exists."""

import threading
from asyncio import create_task, gather, sleep
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from app.commands import account_changes
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.signing_in import login_throttle, passwords
from tests.support import RunQuery
from tests.writes.sessions import ADDRESS, EMAIL, PASSWORD, SESSION, Gateway, codes, served
from tests.writes.support import Json, Value

WRONG, LIMITED = [("UNAUTHENTICATED",)], [("RATE_LIMITED",)]
ELSEWHERE = "203.0.113.9"
UNKNOWN = "nobody@example.org"


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    """A gateway with long deadlines: a hundred attempts may take long on a slow machine."""
    patient = {"request_timeout": 300.0, "admission_wait": 300.0}
    async with served(settings.model_copy(update=patient)) as gateway:
        yield gateway


async def fail(gateway: Gateway, times: int, email: str = EMAIL, address: str = ADDRESS) -> list[Json]:
    """Makes a number of wrong attempts at once and returns their error codes."""
    return [
        codes(payload)
        for payload in await gather(*(gateway.sign_in(email, "wrong", address) for _ in range(times)))
    ]


async def test_a_password_reset_lifts_the_throttle(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    assert (await fail(gateway, login_throttle.MAX_PER_PAIR + 1)).count(LIMITED) == 1
    link = await account_changes.reset(database, EMAIL)
    new = {"token": link.token, "newPassword": "another good one"}
    assert codes(await gateway.mutate("resetPassword", new)) == []
    assert codes(await gateway.sign_in(password="another good one")) == []


async def counts(database: Database) -> list[int]:
    return [attempt["count"] for attempt in await database["attempts"].find().to_list(None)]


async def test_unknown_addresses_get_the_answer_for_a_wrong_password(gateway: Gateway) -> None:
    await gateway.sign_up()
    assert await gateway.sign_in(password="wrong") == await gateway.sign_in(UNKNOWN)
    for _ in range(login_throttle.MAX_PER_PAIR):
        answers = await gateway.sign_in(password="wrong"), await gateway.sign_in(UNKNOWN)
        assert answers[0] == answers[1]
    assert codes(answers[0]) == codes(answers[1]) == LIMITED


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
async def test_a_wrong_password_costs_the_same_for_unknown_accounts(
    gateway: Gateway,
    run_query: RunQuery,
    mongo_commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    email: str,
) -> None:
    await gateway.sign_up()
    verified = []
    real = passwords._matches

    def counted(password: str, stored: str) -> bool:
        verified.append(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        return real(password, stored)

    monkeypatch.setattr(passwords, "_matches", counted)
    query = f"mutation($input: SignInInput!) {{ signIn(input: $input) {{ {SESSION} }} }}"
    mongo_commands.clear()
    payload = await run_query(query, {"input": {"email": email, "password": "wrong"}})
    assert codes(payload["signIn"]) == WRONG
    assert verified == [True]
    sent = [command for command in mongo_commands if not command.startswith("endSessions")]
    assert sent == [*["findAndModify attempts"] * 3, "find accounts", "commitTransaction 1"]


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
async def test_concurrent_attempts_dont_bypass_the_limit(gateway: Gateway, email: str) -> None:
    await gateway.sign_up()
    answers = await fail(gateway, 3 * login_throttle.MAX_PER_PAIR, email)
    assert answers.count(WRONG) == login_throttle.MAX_PER_PAIR
    assert answers.count(LIMITED) == 2 * login_throttle.MAX_PER_PAIR
    assert codes(await gateway.sign_in(email)) == LIMITED


async def test_a_throttled_client_throttles_nobody_else(gateway: Gateway) -> None:
    await gateway.sign_up()
    await gateway.sign_up("grace@example.org")
    await fail(gateway, login_throttle.MAX_PER_PAIR + login_throttle.MAX_PER_ADDRESS)
    assert codes(await gateway.sign_in()) == LIMITED
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []
    assert codes(await gateway.sign_in("grace@example.org")) == []


async def test_attempts_on_one_account_from_many_addresses_are_limited(gateway: Gateway) -> None:
    await gateway.sign_up()
    each, addresses = login_throttle.MAX_PER_PAIR - 1, 7
    answers = await gather(*(fail(gateway, each, address=f"203.0.113.{n}") for n in range(addresses)))
    assert sum(answer.count(WRONG) for answer in answers) == login_throttle.MAX_PER_ACCOUNT
    assert codes(await gateway.sign_in(address="203.0.113.99")) == LIMITED


async def test_a_throttled_attempt_counts_against_no_limit(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_ACCOUNT", 3)
    await gateway.sign_up()
    for n in range(3):
        await fail(gateway, 1, address=f"192.0.2.{n}")
    for _ in range(2 * login_throttle.MAX_PER_PAIR):
        assert codes(await gateway.sign_in(address=ELSEWHERE)) == LIMITED
    await database["attempts"].update_one({"count": 3}, {"$set": {"count": 0}})
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []


async def test_attempts_from_one_address_on_many_accounts_are_limited(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_ADDRESS", 5)
    await gateway.sign_up()
    answers = await gather(*(fail(gateway, 1, f"{n}@example.org") for n in range(8)))
    assert answers.count([WRONG]) == 5
    assert codes(await gateway.sign_in()) == LIMITED
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []


async def test_crafted_email_addresses_dont_collide_with_other_keys(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of one limit never equals a key of another limit."""
    monkeypatch.setattr(login_throttle, "MAX_PER_ADDRESS", 3)
    monkeypatch.setattr(login_throttle, "MAX_PER_ACCOUNT", 3)
    await gateway.sign_up()
    for typed in (ELSEWHERE, f"address {ELSEWHERE}", f"account {EMAIL}", f"{EMAIL} {ELSEWHERE}"):
        for n in range(4):
            await fail(gateway, 1, typed, f"192.0.2.{n}")
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []


async def test_a_correct_password_clears_failed_attempts(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    for _ in range(2):
        assert await fail(gateway, login_throttle.MAX_PER_PAIR - 1) == [WRONG] * (
            login_throttle.MAX_PER_PAIR - 1
        )
        assert codes(await gateway.sign_in()) == []
    assert sorted(await counts(database)) == [18, 18]  # those of the account and of the address remain


async def test_attempts_expire(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    await fail(gateway, login_throttle.MAX_PER_PAIR)
    assert codes(await gateway.sign_in()) == LIMITED
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["attempts"].update_many({}, {"$set": {"expiresAt": past}})
    assert await fail(gateway, login_throttle.MAX_PER_PAIR) == [WRONG] * login_throttle.MAX_PER_PAIR
    assert codes(await gateway.sign_in()) == LIMITED


async def test_gateway_failures_dont_count_as_attempts(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(password: str, stored: str | None) -> bool:
        raise MemoryError

    await gateway.sign_up()
    monkeypatch.setattr(passwords, "verify", broken)
    query = f'mutation {{ signIn(input: {{email: "{EMAIL}", password: "x"}}) {{ accessToken }} }}'
    answer = (await gateway.post(query)).json()
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert set(await counts(database)) == {0}


async def test_sign_up_and_change_password_are_throttled_too(gateway: Gateway) -> None:
    token = (await gateway.sign_up(idempotencyKey="k1"))["accessToken"]
    sent = {"name": "Ada", "email": EMAIL, "password": "another password", "idempotencyKey": "k1"}
    change = {"currentPassword": "wrong", "newPassword": "another password"}
    for _ in range(login_throttle.MAX_PER_PAIR // 2):
        assert codes(await gateway.mutate("signUp", sent)) == [("DUPLICATE", "email")]
        changed = await gateway.mutate("changePassword", change, token=token)
        assert codes(changed) == [("INVALID", "currentPassword")]
    assert codes(await gateway.mutate("signUp", sent)) == LIMITED
    assert codes(await gateway.mutate("changePassword", change, token=token)) == LIMITED
    assert codes(await gateway.sign_in()) == LIMITED


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.8", False),
        ("", "198.51.100.7", False),
        ("a socket", "another", False),
    ],
)
async def test_a_network_of_ipv6_is_one_client(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, one: str, other: str, same: bool
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_PAIR", 1)
    await fail(gateway, 1, address=one)
    assert await fail(gateway, 1, address=other) == [LIMITED if same else WRONG]


async def test_stored_attempts_are_small_and_anonymous(gateway: Gateway, database: Database) -> None:
    await fail(gateway, 1)
    await fail(gateway, 1, "x" * 100_000)
    stored = await database["attempts"].find().to_list(None)
    assert all(len(attempt["_id"]) == 32 for attempt in stored)
    assert "ada" not in repr(stored)


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
