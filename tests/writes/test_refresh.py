"""refreshSession: each token once, except for retries and for tabs that refresh at the same time."""

from asyncio import gather
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.budget_classes import read_classes
from app.commands.people import account_changes
from app.settings import Settings
from loaders.accounts.refresh_tokens import MAX_BRANCHES, RACE
from loaders.mongo import bson_types
from loaders.mongo.database import Database
from loaders.mongo.transactions import transaction_commands
from resolvers.signing_in import login_throttle
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes, served

OVER = [("UNAUTHENTICATED",)]
OVER_BY_TOKEN = [("UNAUTHENTICATED", "refreshToken")]


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    async with served(settings) as gateway:
        yield gateway


async def pass_time(database: Database, by: timedelta = RACE + timedelta(seconds=1)) -> None:
    """Moves all uses of tokens into the past, so that another use is no race any more."""
    for session in await database["sessions"].find({"used": {"$exists": True}}).to_list(None):
        used = [{**token, "at": token["at"] - by} for token in session["used"]]
        await database["sessions"].update_one({"_id": session["_id"]}, {"$set": {"used": used}})


async def refreshed(gateway: Gateway, token: str, key: str | None = None) -> str:
    """Refreshes a session, which must succeed. Returns the new refresh token."""
    payload = await gateway.refresh(token, key)
    assert payload["errors"] == []
    assert (await gateway.write(payload["accessToken"]))["errors"] == []
    return str(payload["refreshToken"])


async def test_reusing_a_refresh_token_ends_its_session(gateway: Gateway, database: Database) -> None:
    first = await gateway.sign_up()
    second = await gateway.refresh(first["refreshToken"])
    assert second["errors"] == []
    assert second["viewer"] == first["viewer"]
    assert second["refreshToken"] != first["refreshToken"]
    third = await gateway.refresh(second["refreshToken"])
    await pass_time(database)
    assert codes(await gateway.refresh(first["refreshToken"])) == OVER_BY_TOKEN
    assert codes(await gateway.refresh(third["refreshToken"])) == OVER_BY_TOKEN
    assert codes(await gateway.write(third["accessToken"])) == OVER
    assert (await gateway.sign_in())["errors"] == []
    (entry,) = await database["auditLog"].find({"action": "refreshSession"}).to_list(None)
    assert [change["collection"] for change in entry["changes"]] == ["sessions"]


async def test_reusing_a_token_keeps_other_sessions_of_the_account(
    gateway: Gateway, database: Database
) -> None:
    first, other = await gateway.sign_up(), await gateway.sign_in()
    await gateway.refresh(first["refreshToken"])
    await pass_time(database)
    assert codes(await gateway.refresh(first["refreshToken"])) == OVER_BY_TOKEN
    assert (await gateway.refresh(other["refreshToken"]))["errors"] == []


# -- tabs that refresh at the same time ------------------------------------------------------------------


@pytest.mark.parametrize("keys", [(None, None), ("k1", "k2")])
async def test_tabs_on_two_gateways_that_refresh_at_once_both_stay_signed_in(
    settings: Settings, gateway: Gateway, database: Database, keys: tuple[str | None, str | None]
) -> None:
    async with served(settings) as other:
        token = (await gateway.sign_up())["refreshToken"]
        tabs: Sequence[str] = await gather(
            refreshed(gateway, token, keys[0]), refreshed(other, token, keys[1])
        )
        assert len({*tabs, token}) == 3
        for gateways in ((gateway, other), (other, gateway), (other, other)):
            await pass_time(database)
            tabs = await gather(*map(refreshed, gateways, tabs))
    await pass_time(database)
    assert codes(await gateway.refresh(token, "k3")) == OVER_BY_TOKEN
    assert [codes(await gateway.refresh(tab)) for tab in tabs] == [OVER_BY_TOKEN] * 2


@pytest.mark.parametrize("order", list(permutations([0, 1, 0, 1, 1]))[::17])
async def test_tabs_refresh_in_any_order_after_a_race(
    gateway: Gateway, database: Database, order: tuple[int, ...]
) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    tabs = [await refreshed(gateway, token, f"k{n}") for n in range(2)]
    for tab in order:
        await pass_time(database)
        tabs[tab] = await refreshed(gateway, tabs[tab])


async def test_a_tab_may_come_late_though_the_first_has_refreshed_again(
    gateway: Gateway, database: Database
) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    first = await refreshed(gateway, await refreshed(gateway, token))
    await pass_time(database, RACE - timedelta(seconds=5))
    second = await refreshed(gateway, token)
    await pass_time(database)
    await refreshed(gateway, second)
    await refreshed(gateway, first)


@pytest.mark.parametrize("skew", [timedelta(hours=-1), timedelta(hours=1)])
async def test_the_clocks_of_gateways_dont_matter(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, skew: timedelta
) -> None:
    """A race is measured by MongoDB's clock, though two gateways' clocks differ."""
    token = (await gateway.sign_up())["refreshToken"]
    await refreshed(gateway, token)
    monkeypatch.setattr(transaction_commands, "now", lambda: bson_types.now() + skew)
    await refreshed(gateway, token)
    await pass_time(database)
    assert codes(await gateway.refresh(token)) == OVER_BY_TOKEN


async def test_many_tabs_of_one_client_stay_signed_in(gateway: Gateway, database: Database) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    tabs = await gather(*(gateway.refresh(token, f"k{n}") for n in range(MAX_BRANCHES // 2)))
    assert len({tab["refreshToken"] for tab in tabs}) == MAX_BRANCHES // 2
    await pass_time(database)
    for tab in tabs:
        await refreshed(gateway, tab["refreshToken"])


async def test_a_refresh_sends_as_many_commands_as_ever(gateway: Gateway) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    query = "mutation($token: String!) { refreshSession(input: {refreshToken: $token}) { accessToken } }"
    payload = (await gateway.post(query, {"token": token}, **{"x-lectern-trace": "1"})).json()
    assert payload["extensions"]["lectern"]["mongo"]["commands"] == 4  # session, account, update, commit


# -- retries ---------------------------------------------------------------------------------------------


async def test_concurrent_refreshes_with_one_key_get_the_same_token(gateway: Gateway) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    payloads = await gather(*(gateway.refresh(token, "k1") for _ in range(4)))
    (next_token,) = {payload["refreshToken"] for payload in payloads}
    assert (await gateway.refresh(next_token))["errors"] == []


async def test_a_refresh_can_be_retried_with_its_key_until_the_next_one(
    gateway: Gateway, database: Database
) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    lost = await gateway.refresh(token, "k1")
    await pass_time(database)
    found = await gateway.refresh(token, "k1")
    assert found["refreshToken"] == lost["refreshToken"]
    after = await gateway.refresh(found["refreshToken"], "k1")
    assert after["errors"] == []
    await pass_time(database)
    assert codes(await gateway.refresh(token, "k1")) == OVER_BY_TOKEN
    assert codes(await gateway.refresh(after["refreshToken"])) == OVER_BY_TOKEN


@pytest.mark.parametrize("key", ["k2", None])
async def test_a_used_token_with_another_key_ends_its_session(
    gateway: Gateway, database: Database, key: str | None
) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    next_token = (await gateway.refresh(token, "k1"))["refreshToken"]
    await pass_time(database)
    assert codes(await gateway.refresh(token, key)) == OVER_BY_TOKEN
    assert codes(await gateway.refresh(next_token)) == OVER_BY_TOKEN


# -- others on the network --------------------------------------------------------------------------------


async def test_a_valid_token_is_accepted_whatever_others_on_the_network_send(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("MAX_PER_NETWORK", "MAX_PER_SITE", "MAX_PER_KNOWN_SITE", "MAX_WRONG_LINKS"):
        monkeypatch.setattr(login_throttle, limit, 1)
    token = (await gateway.sign_up())["refreshToken"]
    ended = (await gateway.sign_in())["refreshToken"]
    await gateway.mutate("signOut", {"refreshToken": ended})
    for _ in range(2):
        wrong = await gateway.sign_in(password="wrong")
        link = await gateway.mutate("resetPassword", {"token": "x", "newPassword": PASSWORD})
    assert codes(wrong) == codes(link) == [("RATE_LIMITED",)]
    for _ in range(100):
        for bad in (ended, token[:-4] + "AAAA"):
            assert codes(await gateway.refresh(bad)) == OVER_BY_TOKEN
    await refreshed(gateway, token)


async def test_a_refresh_with_a_valid_access_token_counts_against_the_viewers_budget(
    settings: Settings, gateway: Gateway
) -> None:
    session = await gateway.sign_up()
    budgets = {"budgets": read_classes("public=1:1000")}
    async with served(settings.model_copy(update=budgets)) as limited:
        query = 'mutation { refreshSession(input: {refreshToken: "x"}) { accessToken } }'
        while (await limited.post(query)).status_code != 429:  # others behind the address
            pass
        values = {"refreshToken": session["refreshToken"]}
        payload = await limited.mutate("refreshSession", values, token=session["accessToken"])
        assert payload["errors"] == []


# -- the session -----------------------------------------------------------------------------------------


async def test_a_session_expires_and_a_refresh_extends_it(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    (stored,) = await database["sessions"].find().to_list(None)
    almost = datetime.now(UTC) + timedelta(seconds=30)
    await database["sessions"].update_one({"_id": stored["_id"]}, {"$set": {"expiresAt": almost}})
    session = await gateway.refresh(session["refreshToken"])
    (stored,) = await database["sessions"].find().to_list(None)
    assert stored["expiresAt"] > almost + timedelta(days=29)
    await database["sessions"].update_one(
        {"_id": stored["_id"]}, {"$set": {"expiresAt": datetime.now(UTC) - timedelta(seconds=1)}}
    )
    assert codes(await gateway.refresh(session["refreshToken"])) == OVER_BY_TOKEN
    assert codes(await gateway.write(session["accessToken"])) == OVER


@pytest.mark.parametrize("token", ["", "x", "é", "AAAA", "\x00", "A" * 5000, "A" * 900_000])
async def test_invalid_refresh_tokens_are_refused(gateway: Gateway, token: str) -> None:
    assert codes(await gateway.refresh(token)) == OVER_BY_TOKEN
    assert codes(await gateway.mutate("signOut", {"refreshToken": token})) == OVER_BY_TOKEN


async def test_a_refresh_picks_up_changed_roles(gateway: Gateway, database: Database) -> None:
    token = (await gateway.sign_up())["refreshToken"]
    await account_changes.change_roles(database, EMAIL, ["STAFF"], [], None)
    assert (await gateway.refresh(token))["viewer"]["roles"] == ["STUDENT", "STAFF"]
