"""signIn tells nobody whether an address has an account: neither by its answer nor by what it does."""

import pytest

from app.commands.people import account_changes
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.signing_in import login_throttle, passwords
from tests.support import RunQuery
from tests.writes.sessions import EMAIL, SESSION, Gateway, served
from tests.writes.support import Json

ADDRESSES = {
    "known": EMAIL,
    "known, in capitals": f" {EMAIL.upper()} ",
    "of a reset account": "reset@example.org",
    "of an account without a role": "grace@example.org",
    "of an account without a password": "staff@example.org",
    "unknown": "nobody@example.org",
    "no address": "nobody",
    "long": "x" * 10_000,
}
FIELD = f'signIn(input: {{email: $email, password: "wrong", deviceToken: $device}}) {{ {SESSION} }}'


@pytest.fixture
async def other_device(settings: Settings, database: Database) -> str:
    """The device token of another account. The addresses have their accounts."""
    async with served(settings) as gateway:
        await accounts(gateway, database)
        other = await gateway.sign_up("eve@example.org")
    await database["attempts"].delete_many({})
    device: str = other["deviceToken"]
    return device


async def accounts(gateway: Gateway, database: Database) -> None:
    for address in ("known", "of a reset account", "of an account without a role"):
        await gateway.sign_up(ADDRESSES[address])
    await account_changes.create(
        database, ADDRESSES["of an account without a password"], "Grace", ["STAFF"], None
    )
    await account_changes.reset(database, ADDRESSES["of a reset account"])
    without_role = ADDRESSES["of an account without a role"]
    await account_changes.change_roles(database, without_role, [], ["STUDENT"], None)


@pytest.mark.parametrize("aliases", [1, 3])
@pytest.mark.parametrize("device", ["none", "malformed", "of another account"])
@pytest.mark.parametrize(("failed", "hashes", "code"), [(0, 1, "UNAUTHENTICATED"), (1, 0, "RATE_LIMITED")])
async def test_all_addresses_get_the_same_answer_for_the_same_work(
    database: Database,
    run_query: RunQuery,
    mongo_commands: list[str],
    monkeypatch: pytest.MonkeyPatch,
    other_device: str,
    aliases: int,
    device: str,
    failed: int,
    hashes: int,
    code: str,
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_SITE", failed or 10)
    verified: list[bool] = []
    real = passwords._matches

    def counted(password: str, stored: str) -> bool:
        verified.append(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        return real(password, stored)

    monkeypatch.setattr(passwords, "_matches", counted)
    token = {"none": None, "malformed": "x", "of another account": other_device}[device]
    selected = " ".join(f"m{n}: {FIELD}" for n in range(aliases))
    query = f"mutation($email: String!, $device: String) {{ {selected} }}"

    async def seen(email: str) -> tuple[list[Json], list[bool], list[str]]:
        """Returns the answers without their waits, which hashes were checked, and the commands."""
        await database["attempts"].delete_many({})
        for _ in range(failed):
            await run_query(f"mutation($email: String!, $device: String) {{ {FIELD} }}", {"email": email})
        verified.clear()
        mongo_commands.clear()
        payloads = list((await run_query(query, {"email": email, "device": token})).values())
        for payload in payloads:
            (error,) = payload["errors"]
            assert (error.pop("retryAfter") is None) == (error["code"] != "RATE_LIMITED")
        commands = [command for command in mongo_commands if not command.startswith("endSessions")]
        return payloads, list(verified), commands

    answers, checked, commands = await seen(ADDRESSES["unknown"])
    assert [payload["errors"][0]["code"] for payload in answers] == [code] * aliases
    assert checked == [True] * hashes * aliases
    if not failed:
        throttled = ["find attempts", *["findAndModify attempts"] * 3]
        assert commands == ["find accounts", *throttled] * aliases
    for email in ADDRESSES.values():
        assert await seen(email) == (answers, checked, commands)
