"""Attacks on accounts, over HTTP against a server with its own process."""

from asyncio import gather
from uuid import uuid4

import pytest

from app.settings import Settings
from tests.support import serving
from tests.writes.sessions import PASSWORD, Gateway, codes
from tests.writes.support import Doc

NEW_PASSWORD = "another horse, another battery"


class Client:
    """A client of the server with an address of its own."""

    def __init__(self, url: str, address: str) -> None:
        self._gateway = Gateway(url=url)
        self._headers = {"x-forwarded-for": address}

    async def mutate(self, name: str, values: Doc, token: str | None = None) -> Doc:
        return await self._gateway.mutate(name, values, token=token, **self._headers)

    async def sign_in(self, email: str, password: str = PASSWORD, device: str | None = None) -> Doc:
        return await self.mutate("signIn", {"email": email, "password": password, "deviceToken": device})


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.org"


async def test_the_owner_gets_in_during_an_attack_and_its_attackers_dont(
    gateway_url: str, email: str
) -> None:
    home, school = (Client(gateway_url, address) for address in ("198.51.100.7", "198.51.100.99"))
    device = (await home.mutate("signUp", {"name": "Ada", "email": email, "password": PASSWORD}))[
        "deviceToken"
    ]
    attackers = [Client(gateway_url, f"203.0.113.{n}") for n in range(5)]

    async def attack(attacker: Client) -> list[Doc]:
        payloads = [await attacker.sign_in(email, "wrong") for _ in range(11)]
        return [error for payload in payloads for error in payload["errors"]]

    refused = [error for errors in await gather(*map(attack, attackers)) for error in errors]
    assert len(refused) == 5 * 11
    limited = [error["retryAfter"] for error in refused if error["code"] == "RATE_LIMITED"]
    assert len(limited) >= 5
    assert all(3_000 < seconds <= 3_600 for seconds in limited)
    assert codes(await attackers[0].sign_in(email)) == [("RATE_LIMITED",)]  # though the password is right
    assert codes(await home.sign_in(email)) == []
    assert codes(await school.sign_in(email, device=device)) == []
    assert codes(await Client(gateway_url, "192.0.2.1").sign_in(email)) == []


async def test_two_tabs_refresh_at_once(gateway_url: str, email: str) -> None:
    client = Client(gateway_url, "198.51.100.8")
    session = await client.mutate("signUp", {"name": "Ada", "email": email, "password": PASSWORD})

    async def refresh(token: str, key: str) -> str:
        sent = {"refreshToken": token, "idempotencyKey": key}
        payload = await client.mutate("refreshSession", sent)
        assert codes(payload) == []
        assert codes(await client.mutate("updateProfile", {"bio": "Hi."}, payload["accessToken"])) == []
        return str(payload["refreshToken"])

    tabs = await gather(*(refresh(session["refreshToken"], key) for key in ("tab 1", "tab 2")))
    assert tabs[0] != tabs[1]
    again = await gather(*(refresh(tab, f"{tab} again") for tab in reversed(tabs)))
    assert len({*tabs, *again}) == 4


async def test_two_processes_create_one_account_and_refresh_one_session(
    gateway_url: str, sample: Settings, email: str
) -> None:
    with serving(sample) as other_url:
        clients = [Client(url, "198.51.100.10") for url in (gateway_url, other_url)]
        sent = {"name": "Ada", "email": email, "password": PASSWORD}
        payloads = await gather(*(client.mutate("signUp", sent) for client in clients * 2))
        assert sorted(map(codes, payloads)) == [[], *[[("DUPLICATE", "email")]] * 3]
        tokens = [payload["refreshToken"] for payload in payloads if payload["refreshToken"]] * 2
        for _ in range(3):
            refreshes = zip(clients, tokens, strict=True)
            payloads = await gather(
                *(client.mutate("refreshSession", {"refreshToken": token}) for client, token in refreshes)
            )
            assert list(map(codes, payloads)) == [[], []]
            tokens = [payload["refreshToken"] for payload in payloads]
            assert len(set(tokens)) == 2


async def test_a_stolen_access_token_doesnt_lock_its_owner_out(gateway_url: str, email: str) -> None:
    owner, thief = Client(gateway_url, "198.51.100.9"), Client(gateway_url, "203.0.113.200")
    stolen = await owner.mutate("signUp", {"name": "Ada", "email": email, "password": PASSWORD})
    guess = {"currentPassword": "wrong", "newPassword": NEW_PASSWORD}
    for _ in range(10):
        answer = await thief.mutate("changePassword", guess, stolen["accessToken"])
        assert codes(answer) == [("INVALID", "currentPassword")]
    answer = await thief.mutate("changePassword", guess, stolen["accessToken"])
    assert codes(answer) == [("RATE_LIMITED",)]
    session = await owner.sign_in(email)
    change = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert codes(await owner.mutate("changePassword", change, session["accessToken"])) == []
    ended = await thief.mutate("refreshSession", {"refreshToken": stolen["refreshToken"]})
    assert codes(ended) == [("UNAUTHENTICATED", "refreshToken")]
