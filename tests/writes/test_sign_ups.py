"""The limits on creating accounts: how many one network creates, and what counts."""

from asyncio import gather
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.observing import Listener, Refused
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.signing_in import passwords
from tests.writes.sessions import ADDRESS, EMAIL, PASSWORD, Gateway, codes, served
from tests.writes.support import Doc, Value

LIMITED: list[tuple[str, ...]] = [("RATE_LIMITED",)]
DUPLICATE = [("DUPLICATE", "email")]
ELSEWHERE = "203.0.113.9"
PER_HOUR, PER_DAY = 3, 5


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    limits = {"sign_ups_per_hour": PER_HOUR, "sign_ups_per_day": PER_DAY}
    async with served(settings.model_copy(update=limits)) as gateway:
        yield gateway


async def sign_up(gateway: Gateway, name: object, **more: Value) -> Doc:
    sent = {"name": "Ada", "email": f"{name}@example.org", "password": PASSWORD}
    options = {"address": more.pop("address")} if "address" in more else {}
    return await gateway.mutate("signUp", sent | more, **options)


async def let_an_hour_pass(database: Database) -> None:
    now = datetime.now(UTC)
    await database["attempts"].update_many(
        {"count": {"$exists": True}, "expiresAt": {"$lt": now + timedelta(hours=2)}},
        {"$set": {"expiresAt": now - timedelta(seconds=1)}},
    )


async def test_a_network_creates_so_many_accounts_an_hour_and_a_day(
    gateway: Gateway, database: Database
) -> None:
    for n in range(PER_HOUR):
        assert codes(await sign_up(gateway, n)) == []
    (error,) = (await sign_up(gateway, "more"))["errors"]
    assert error["code"] == "RATE_LIMITED"
    assert 59 * 60 < error["retryAfter"] <= 60 * 60
    assert codes(await sign_up(gateway, "elsewhere", address=ELSEWHERE)) == []
    await let_an_hour_pass(database)
    for n in range(PER_HOUR, PER_DAY):
        assert codes(await sign_up(gateway, n)) == []
    (error,) = (await sign_up(gateway, "more"))["errors"]
    assert 23 * 3600 < error["retryAfter"] <= 24 * 3600
    assert error["message"] == "Too many people have signed up from your network: try again in 24 hours."
    assert await database["accounts"].count_documents({}) == PER_DAY + 1


@pytest.mark.parametrize("setting", ["sign_ups_per_hour", "sign_ups_per_day"])
async def test_whoever_holds_many_networks_creates_the_accounts_of_a_few(
    settings: Settings, database: Database, setting: str
) -> None:
    """A /56 counts as four networks, and a /48 as sixteen: a customer's /56 doesn't use up the /48."""
    limits = {"sign_ups_per_hour": 0, "sign_ups_per_day": 0, setting: 1}
    async with served(settings.model_copy(update=limits)) as gateway:
        for customer, most in (("0:1", 4), ("0:2", 4), ("0:3", 4), ("0:4", 4), ("0:5", 0), ("1:1", 4)):
            for n in range(most + 1):
                address = f"2001:db8:{customer}{n:02x}::1"
                answer = await sign_up(gateway, f"{customer[0]}-{customer[2]}-{n}", address=address)
                assert codes(answer) == ([] if n < most else LIMITED)


async def test_concurrent_sign_ups_dont_bypass_the_limit(gateway: Gateway, database: Database) -> None:
    answers = await gather(*(sign_up(gateway, n) for n in range(3 * PER_HOUR)))
    assert [codes(answer) for answer in answers].count(LIMITED) == 2 * PER_HOUR
    assert await database["accounts"].count_documents({}) == PER_HOUR


@pytest.mark.parametrize("address", [ADDRESS, "2001:db8::1"])
async def test_a_retry_with_the_same_key_counts_once(gateway: Gateway, address: str) -> None:
    retry = {"idempotencyKey": "k1", "address": address}
    answers = await gather(*(sign_up(gateway, "ada", **retry) for _ in range(PER_HOUR + 2)))
    limited = [codes(answer) for answer in answers].count(LIMITED)  # while another created the account
    assert limited <= 2
    for _ in range(PER_HOUR + 1):
        assert codes(await sign_up(gateway, "ada", **retry)) == []
    for n in range(PER_HOUR - 1):
        assert codes(await sign_up(gateway, n, address=address)) == []
    assert codes(await sign_up(gateway, "more", address=address)) == LIMITED


async def test_looking_up_addresses_counts_and_costs_no_hash(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.sign_up(address=ELSEWHERE)
    hashed: list[str] = []

    async def hash_password(password: str) -> str:
        hashed.append(password)
        return ""

    monkeypatch.setattr(passwords, "hash_password", hash_password)
    for _ in range(PER_HOUR):
        assert codes(await gateway.mutate("signUp", DOUBLE)) == DUPLICATE
    assert codes(await gateway.mutate("signUp", DOUBLE)) == LIMITED
    assert codes(await sign_up(gateway, "another")) == LIMITED
    assert hashed == []


DOUBLE = {"name": "Eve", "email": EMAIL, "password": PASSWORD}


async def test_a_sign_up_that_fails_or_is_invalid_counts_for_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(password: str) -> str:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(passwords, "hash_password", broken)
        fields = f'name: "Ada", email: "{EMAIL}", password: "{PASSWORD}"'
        for _ in range(PER_HOUR):
            answer = (
                await gateway.post(f"mutation {{ signUp(input: {{{fields}}}) {{ accessToken }} }}")
            ).json()
            assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    for _ in range(PER_HOUR):
        assert codes(await sign_up(gateway, "ada", password="short")) == [("INVALID", "password")]
    for n in range(PER_HOUR):
        assert codes(await sign_up(gateway, n)) == []


async def test_limits_of_zero_are_none(settings: Settings, database: Database) -> None:
    unlimited = {"sign_ups_per_hour": 0, "sign_ups_per_day": 0}
    async with served(settings.model_copy(update=unlimited)) as gateway:
        for n in range(PER_DAY + 1):
            assert codes(await sign_up(gateway, n)) == []
    assert await database["attempts"].count_documents({"count": {"$exists": True}}) == 0


async def test_many_sign_ups_in_one_request_create_few_accounts(
    settings: Settings, database: Database
) -> None:
    seen: list[str] = []

    class Listening(Listener):
        def refused(self, refusal: Refused) -> None:
            seen.append(refusal.limit)

    fields = 'name: "Ada", email: "{}@example.org", password: "a long password"'
    for number in (10, 11, 400):
        selected = " ".join(
            f"m{n}: signUp(input: {{{fields.format(n)}}}) {{ errors {{ code }} }}" for n in range(number)
        )
        async with served(settings, Listening()) as gateway:
            answer = (await gateway.post(f"mutation {{ {selected} }}")).json()
        assert ("errors" in answer) == (number > 10)  # a price of over LECTERN_MAX_COST
    assert await database["accounts"].count_documents({}) == 5
    assert seen.count("sign_in.request") == 5


async def test_a_refusal_names_its_setting(settings: Settings, database: Database) -> None:
    seen: list[Refused] = []

    class Listening(Listener):
        def refused(self, refusal: Refused) -> None:
            seen.append(refusal)

    for name in ("sign_ups_per_hour", "sign_ups_per_day"):
        limits = {"sign_ups_per_hour": 0, "sign_ups_per_day": 0, name: 1}
        async with served(settings.model_copy(update=limits), Listening()) as gateway:
            await sign_up(gateway, name)
            await sign_up(gateway, f"{name}-more")
    assert [refusal.limit for refusal in seen] == ["LECTERN_SIGN_UPS_PER_HOUR", "LECTERN_SIGN_UPS_PER_DAY"]
    assert {refusal.code for refusal in seen} == {"RATE_LIMITED"}
