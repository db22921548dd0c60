"""The MongoDB commands of the mutations of sessions: at most as many as `lectern explain` says."""

from datetime import timedelta

import pytest

from app.commands.people import account_changes
from app.execution import Executor, Operation, Prepared
from app.observing import Record
from loaders.accounts import spend_attempt
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, Viewer
from resolvers.schema import schema
from resolvers.signing_in import login_throttle
from tests.support import NOW, TOKENS, RunQuery, request_for
from tests.writes.sessions import EMAIL, PASSWORD, device_id
from tests.writes.support import Doc, operation

NEW = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "idempotencyKey": "k1"}
SIGN_IN = {"email": EMAIL, "password": PASSWORD}


class Session:
    """Runs mutations, and counts their commands."""

    def __init__(self, database: Database, mongo_commands: list[str], address: str) -> None:
        self._database, self._sent, self._address = database, mongo_commands, address
        self._executor = Executor(schema, introspection=False)

    async def run(self, name: str, values: Doc, viewer: Viewer = PUBLIC) -> tuple[Doc, int, int]:
        """Returns the payload, the number of commands, and the number that explain says.

        The number of commands is at most that of the price.
        """
        tokens = "__typename" if name == "changePassword" else "refreshToken deviceToken accessToken"
        text = operation(name, tokens)
        prepared = self._executor.prepare(Operation(text, {"input": values}))
        assert isinstance(prepared, Prepared)
        self._sent.clear()
        record = Record(NOW)
        record.address = self._address
        request = request_for(self._database, viewer, record=record)
        payload = (await self._executor.run(prepared, request)).payload["data"][name]
        assert payload["errors"] == []
        sent = [command for command in self._sent if not command.startswith("endSessions")]
        assert len(sent) <= prepared.cost.commands
        return payload, len(sent), self._executor.explain(prepared)["commands"]


@pytest.fixture
def session(database: Database, mongo_commands: list[str]) -> Session:
    return Session(database, mongo_commands, "198.51.100.7")


@pytest.fixture
def ipv6_session(database: Database, mongo_commands: list[str]) -> Session:
    return Session(database, mongo_commands, "2001:db8::1")


async def test_signing_up_and_its_dearest_retry(session: Session, database: Database) -> None:
    first, sent, declared = await session.run("signUp", NEW)
    assert sent == 11 < declared
    _, sent, _ = await session.run("signUp", NEW)
    assert sent == 7
    await session.run("refreshSession", {"refreshToken": first["refreshToken"]})
    await database["attempts"].delete_many({})
    _, sent, _ = await session.run("signUp", NEW)  # from an unknown site, and too late for the first session
    assert sent == declared


async def test_signing_in_with_a_device_from_a_known_site_and_from_others(
    session: Session, database: Database
) -> None:
    device = (await session.run("signUp", NEW))[0]["deviceToken"]
    counts = [(await session.run("signIn", SIGN_IN | {"deviceToken": device}))[1]]
    counts.append((await session.run("signIn", SIGN_IN))[1])
    await database["attempts"].delete_many({})
    counts.append((await session.run("signIn", SIGN_IN))[1])
    assert counts == [9, 10, 13]
    await use_up(database, device)
    _, sent, declared = await session.run("signIn", SIGN_IN | {"deviceToken": device})
    assert sent == declared


async def test_the_networks_of_an_ipv6_address_are_in_the_price(
    ipv6_session: Session, database: Database
) -> None:
    first, sent, _ = await ipv6_session.run("signUp", NEW)
    assert sent == 11 + 2 * 2  # two more networks by hour and by day
    device = first["deviceToken"]
    await ipv6_session.run("refreshSession", {"refreshToken": first["refreshToken"]})
    await database["attempts"].delete_many({})
    _, sent, declared = await ipv6_session.run("signUp", NEW)
    assert sent == declared + 2
    await use_up(database, device)
    _, sent, declared = await ipv6_session.run("signIn", SIGN_IN | {"deviceToken": device})
    assert sent == declared + 2


async def use_up(database: Database, device: str) -> None:
    """Uses up the attempts of a device, on a site that isn't known."""
    await database["attempts"].delete_many({})
    key, minute = f"device {await device_id(database, device)} {EMAIL}", timedelta(minutes=1)
    for _ in range(login_throttle.MAX_PER_DEVICE):
        await spend_attempt(database, key, most=login_throttle.MAX_PER_DEVICE, within=minute)


async def test_refreshing(session: Session) -> None:
    payload, _, _ = await session.run("signUp", NEW)
    _, sent, declared = await session.run("refreshSession", {"refreshToken": payload["refreshToken"]})
    assert sent == declared - 1  # a token that was used before takes one more, for the audit log


async def test_changing_the_password(session: Session) -> None:
    payload, _, _ = await session.run("signUp", NEW)
    viewer = TOKENS.viewer(payload["accessToken"])
    change = {"currentPassword": PASSWORD, "newPassword": "another good one"}
    _, sent, declared = await session.run("changePassword", change, viewer)
    assert sent == declared


async def test_resetting_the_password(session: Session, database: Database) -> None:
    await session.run("signUp", NEW)
    link = await account_changes.reset(database, EMAIL)
    _, sent, declared = await session.run("resetPassword", {"token": link.token, "newPassword": PASSWORD})
    assert sent == declared


@pytest.mark.parametrize(
    ("which", "commands"),
    [("forged", []), ("malformed", []), ("ended", ["aggregate sessions", "commitTransaction 1"])],
)
async def test_refreshing_with_a_bad_token_costs_one_look_up_at_most(
    run_query: RunQuery, mongo_commands: list[str], which: str, commands: list[str]
) -> None:
    sign_up = operation("signUp", "refreshToken")
    token = (await run_query(sign_up, {"input": NEW}))["signUp"]["refreshToken"]
    await run_query(operation("signOut", "__typename"), {"input": {"refreshToken": token}})
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    sent = {"forged": forged, "malformed": "refresh", "ended": token}[which]
    mongo_commands.clear()
    payload = await run_query(operation("refreshSession", "refreshToken"), {"input": {"refreshToken": sent}})
    assert [error["code"] for error in payload["refreshSession"]["errors"]] == ["UNAUTHENTICATED"]
    assert [command for command in mongo_commands if not command.startswith("endSessions")] == commands
