"""resetPassword: its limits, which never keep a right link from working."""

from asyncio import Event, create_task, gather
from collections.abc import AsyncIterator

import pytest

from app.commands.people import account_changes
from app.observing import Listener, Refused
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.signing_in import login_throttle, passwords
from tests.writes.sessions import ADDRESS, EMAIL, Gateway, codes, served
from tests.writes.support import Doc, Value

NEW_PASSWORD = "another horse, another battery"
WRONG, LIMITED = [("EXPIRED", "token")], [("RATE_LIMITED",)]
ELSEWHERE = "203.0.113.9"


class Refusals(Listener):
    """The names of the limits that refused something."""

    def __init__(self) -> None:
        self.limits: list[str] = []

    def refused(self, refusal: Refused) -> None:
        self.limits.append(refusal.limit)


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


@pytest.fixture
async def gateway(settings: Settings, database: Database, refusals: Refusals) -> AsyncIterator[Gateway]:
    async with served(settings, refusals) as gateway:
        yield gateway


async def reset(gateway: Gateway, token: str, address: str = ADDRESS) -> Doc:
    return await gateway.mutate(
        "resetPassword", {"token": token, "newPassword": NEW_PASSWORD}, address=address
    )


async def test_so_many_wrong_links_come_from_a_network_and_a_right_one_still_works(
    gateway: Gateway, database: Database, refusals: Refusals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_WRONG_LINKS", 3)
    await gateway.sign_up()
    link = await account_changes.reset(database, EMAIL)
    for n in range(3):
        assert codes(await reset(gateway, f"wrong {n}")) == WRONG
    for _ in range(2):
        (error,) = (await reset(gateway, "wrong"))["errors"]
        assert error["code"] == "RATE_LIMITED"
        assert 14 * 60 < error["retryAfter"] <= 15 * 60
    assert codes(await reset(gateway, "wrong", ELSEWHERE)) == WRONG
    assert codes(await gateway.sign_in()) == []
    assert codes(await reset(gateway, link.token)) == []
    assert codes(await reset(gateway, link.token)) == LIMITED  # a used one is a wrong one
    assert refusals.limits == ["reset_password.network"] * 3


async def test_whoever_holds_many_networks_gets_the_wrong_links_of_a_few(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_WRONG_LINKS", 1)
    for customer, most in (("1", 4), ("2", 4), ("3", 4), ("4", 4), ("5", 0)):
        for n in range(most + 1):
            answer = await reset(gateway, "wrong", f"2001:db8:0:{customer}{n:02x}::1")
            assert codes(answer) == (WRONG if n < most else LIMITED)


async def test_a_right_link_computes_so_many_hashes_at_once(
    gateway: Gateway, database: Database, refusals: Refusals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_LINK", 2)
    await gateway.sign_up()
    link = await account_changes.reset(database, EMAIL)
    real, hashing, both, goes_on = passwords.hash_password, [], Event(), Event()

    async def wait(password: str) -> str:
        hashing.append(password)
        if len(hashing) == 2:
            both.set()
        await goes_on.wait()
        return await real(password)

    monkeypatch.setattr(passwords, "hash_password", wait)
    first = [create_task(reset(gateway, link.token)) for _ in range(2)]
    await both.wait()
    assert codes(await reset(gateway, link.token, ELSEWHERE)) == LIMITED
    assert refusals.limits == ["reset_password.link"]
    goes_on.set()
    assert sorted([codes(payload) for payload in await gather(*first)]) == [[], WRONG]
    assert len(hashing) == 2
    link = await account_changes.reset(database, EMAIL)
    assert codes(await reset(gateway, link.token, ELSEWHERE)) == []


async def test_a_reset_that_fails_counts_for_nothing(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_LINK", 1)
    link = await account_changes.create(database, EMAIL, "Ada", ["STAFF"], None)
    values: Value = {"token": link.token, "newPassword": NEW_PASSWORD}
    query = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }"
    with monkeypatch.context() as patched:
        patched.setattr(passwords, "MAX_PENDING", 0)
        for _ in range(2):
            assert (await gateway.post(query, {"input": values})).status_code == 503
    assert codes(await reset(gateway, link.token)) == []
