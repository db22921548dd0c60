"""Signing up, in and out: what a session permits, and when it ends."""

from asyncio import gather
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.commands.people import account_changes
from app.settings import Settings
from loaders.accounts import Client, account
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from resolvers.context import Viewer
from resolvers.signing_in import passwords
from tests.support import TOKENS
from tests.writes.sessions import EMAIL, PASSWORD, SESSION, Gateway, codes, served
from tests.writes.support import Doc, Value

NEW_PASSWORD = "another horse, another battery"
ME = "{ viewer { roles student { name email country } } }"
OVER = [("UNAUTHENTICATED",)]
OVER_BY_TOKEN = [("UNAUTHENTICATED", "refreshToken")]


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    async with served(settings) as gateway:
        yield gateway


async def change_password(
    gateway: Gateway, token: str | None, current: str = PASSWORD, new: str = NEW_PASSWORD
) -> Doc:
    return await gateway.mutate(
        "changePassword", {"currentPassword": current, "newPassword": new}, token=token
    )


# -- signUp ---------------------------------------------------------------------------------------------


async def test_sign_up_signs_in_as_a_student(gateway: Gateway) -> None:
    payload = await gateway.sign_up(email=" Ada@Example.org ", country="GB", clientMutationId="m1")
    student = {"name": "Ada", "email": EMAIL, "country": "GB"}
    assert payload["viewer"]["roles"] == ["STUDENT"]
    assert student.items() <= payload["viewer"]["student"].items()
    assert payload["clientMutationId"] == "m1"
    left = datetime.fromisoformat(payload["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    me = await gateway.post(ME, token=payload["accessToken"])
    assert me.json()["data"] == {"viewer": {"roles": ["STUDENT"], "student": student}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " \u200b "),
        ("name", "x" * 201),
        ("email", "nobody"),
        ("email", "a@b"),
        ("email", f"{'x' * 250}@example.org"),
        ("password", "too short"),
        ("password", "x" * 201),
        ("password", "aaaaaaaaaaaa"),
        ("country", "Germany"),
        ("idempotencyKey", ""),
    ],
)
async def test_an_invalid_value_is_reported_with_its_path(
    gateway: Gateway, database: Database, field: str, value: str
) -> None:
    good = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
    payload = await gateway.mutate("signUp", good | {field: value})
    assert codes(payload) == [("INVALID", field)]
    assert payload["accessToken"] is payload["viewer"] is None
    assert await database["accounts"].count_documents({}) == 0


async def test_all_invalid_values_are_reported_at_once(gateway: Gateway) -> None:
    payload = await gateway.mutate("signUp", {"name": "", "email": "?", "password": "?"})
    assert codes(payload) == [("INVALID", "name"), ("INVALID", "email"), ("INVALID", "password")]


async def test_an_address_signs_up_once(gateway: Gateway) -> None:
    await gateway.sign_up()
    again = {"name": "Eve", "email": EMAIL.upper(), "password": NEW_PASSWORD}
    assert codes(await gateway.mutate("signUp", again)) == [("DUPLICATE", "email")]
    assert codes(await gateway.mutate("signUp", again | {"password": PASSWORD})) == [("DUPLICATE", "email")]


async def test_a_retried_sign_up_returns_its_session(gateway: Gateway, database: Database) -> None:
    first = await gateway.sign_up(idempotencyKey="k1")
    again = await gateway.sign_up(idempotencyKey="k1")
    assert again["viewer"] == first["viewer"]
    assert again["refreshToken"] == first["refreshToken"]
    assert await database["sessions"].count_documents({}) == 1
    assert await database["auditLog"].count_documents({}) == 1
    sent = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "idempotencyKey": "k1"}
    for other in ({"idempotencyKey": "k2"}, {"idempotencyKey": None}, {"password": NEW_PASSWORD}):
        assert codes(await gateway.mutate("signUp", sent | other)) == [("DUPLICATE", "email")]


@pytest.mark.parametrize("key", ["k1", None])
async def test_concurrent_sign_ups_create_one_account(
    gateway: Gateway, database: Database, key: str | None
) -> None:
    """With the same idempotency key they are retries; without one they are duplicates."""
    sent = {"name": "Ada", "email": EMAIL, "password": PASSWORD, "idempotencyKey": key}
    payloads = await gather(*(gateway.mutate("signUp", sent) for _ in range(6)))
    assert await database["accounts"].count_documents({}) == 1
    assert await database["students"].count_documents({}) == 1
    refused = [codes(payload) for payload in payloads if payload["errors"]]
    assert refused == ([] if key else [[("DUPLICATE", "email")]] * 5)
    assert len({p["viewer"]["student"]["id"] for p in payloads if p["viewer"]}) == 1


@pytest.mark.parametrize("after", ["refresh", "signOut"])
async def test_a_sign_up_that_is_retried_too_late_signs_in(gateway: Gateway, after: str) -> None:
    first = await gateway.sign_up(idempotencyKey="k1")
    await gateway.mutate(
        "refreshSession" if after == "refresh" else after, {"refreshToken": first["refreshToken"]}
    )
    again = await gateway.sign_up(idempotencyKey="k1")
    assert again["viewer"] == first["viewer"]
    assert again["refreshToken"] != first["refreshToken"]
    assert (await gateway.refresh(again["refreshToken"]))["errors"] == []


# -- signIn ---------------------------------------------------------------------------------------------


async def test_the_password_signs_in(gateway: Gateway) -> None:
    signed_up = await gateway.sign_up()
    payload = await gateway.sign_in(" ADA@example.org")
    assert payload["errors"] == []
    assert payload["viewer"] == signed_up["viewer"]
    assert (await gateway.write(payload["accessToken"]))["student"] == {"bio": "I write."}


async def test_an_account_without_a_password_cant_be_signed_in_to(
    gateway: Gateway, database: Database
) -> None:
    await account_changes.create(database, EMAIL, "Ada", ["STAFF"], None)
    for password in ("", "nobody's", "None"):
        assert codes(await gateway.sign_in(password=password)) == OVER


async def test_each_sign_in_of_one_operation_shows_its_own_viewer(
    settings: Settings, database: Database
) -> None:
    query = (
        f'mutation {{ a: signIn(input: {{email: "a@x.org", password: "{PASSWORD}"}}) {{ {SESSION} }} '
        f'b: signIn(input: {{email: "b@x.org", password: "{PASSWORD}"}}) {{ {SESSION} }} }}'
    )
    for compiled in (True, False):
        async with served(settings.model_copy(update={"compiled_execution": compiled})) as gateway:
            if compiled:
                await gateway.sign_up("a@x.org")
                await gateway.sign_up("b@x.org")
            data = (await gateway.post(query)).json()["data"]
        assert [data[it]["viewer"]["student"]["email"] for it in "ab"] == ["a@x.org", "b@x.org"]


async def test_a_password_changed_during_sign_in_is_wrong(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_up = await gateway.sign_up()
    verify = passwords.verify

    async def verify_and_change(password: str, stored: str | None) -> bool:
        monkeypatch.setattr(passwords, "verify", verify)
        matches = await verify(password, stored)
        assert (await change_password(gateway, signed_up["accessToken"]))["errors"] == []
        return matches

    monkeypatch.setattr(passwords, "verify", verify_and_change)
    assert codes(await gateway.sign_in()) == OVER


async def test_no_session_starts_while_the_others_are_ended(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    seen = []

    async def change(tx: Transaction) -> None:
        found = await account.by_email(tx, EMAIL)
        assert found
        await account.change(tx, found, passwordHash="another")
        await account.end_sessions(tx, found["_id"])

    async def begin(tx: Transaction) -> None:
        found = await account.by_email(tx, EMAIL)
        assert found
        seen.append(found["passwordHash"])
        if len(seen) == 1:
            await transaction(database, change)
        await account.begin_session(tx, found, None, Client())

    await transaction(database, begin)
    assert seen[-1] == "another"


# -- signOut --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["accessToken", "refreshToken"])
async def test_a_write_is_refused_once_its_session_has_ended(gateway: Gateway, by: str) -> None:
    session, other = await gateway.sign_up(), await gateway.sign_in()
    if by == "accessToken":
        ended = await gateway.mutate("signOut", {"clientMutationId": "m1"}, token=session["accessToken"])
    else:
        ended = await gateway.mutate(
            "signOut", {"refreshToken": session["refreshToken"], "clientMutationId": "m1"}
        )
    assert ended == {"errors": [], "clientMutationId": "m1"}
    assert codes(await gateway.write(session["accessToken"])) == OVER
    assert codes(await change_password(gateway, session["accessToken"])) == OVER
    assert codes(await gateway.refresh(session["refreshToken"])) == OVER_BY_TOKEN
    assert (await gateway.write(other["accessToken"]))["errors"] == []


async def test_sign_out_is_idempotent(gateway: Gateway) -> None:
    token = (await gateway.sign_up())["accessToken"]
    for _ in range(2):
        assert codes(await gateway.mutate("signOut", {}, token=token)) == []


async def test_sign_out_without_a_session_is_refused(gateway: Gateway) -> None:
    assert codes(await gateway.mutate("signOut", {})) == OVER_BY_TOKEN


# -- changePassword -------------------------------------------------------------------------------------


async def test_changing_the_password_ends_only_other_sessions(gateway: Gateway) -> None:
    current, other = await gateway.sign_up(), await gateway.sign_in()
    changed = await change_password(gateway, current["accessToken"])
    assert changed["viewer"] == {"roles": ["STUDENT"], "student": {"email": EMAIL}}
    assert codes(await gateway.write(other["accessToken"])) == OVER
    assert codes(await gateway.refresh(other["refreshToken"])) == OVER_BY_TOKEN
    assert (await gateway.write(current["accessToken"]))["errors"] == []
    assert (await gateway.refresh(current["refreshToken"]))["errors"] == []
    assert codes(await gateway.sign_in()) == OVER
    assert (await gateway.sign_in(password=NEW_PASSWORD))["errors"] == []


async def test_a_wrong_password_or_a_weak_one_changes_nothing(gateway: Gateway) -> None:
    token = (await gateway.sign_up())["accessToken"]
    wrong = await change_password(gateway, token, current=NEW_PASSWORD)
    assert codes(wrong) == [("INVALID", "currentPassword")]
    assert codes(await change_password(gateway, token, new="short")) == [("INVALID", "newPassword")]
    assert codes(await change_password(gateway, None)) == OVER
    assert (await gateway.sign_in())["errors"] == []


async def test_external_accounts_have_no_password_to_change(gateway: Gateway) -> None:
    token = TOKENS.access(Viewer(frozenset(("STUDENT",)), subject="https://id.example|1")).text
    assert codes(await change_password(gateway, token)) == [("FORBIDDEN",)]


# -- resetPassword --------------------------------------------------------------------------------------


@pytest.fixture
def reset(gateway: Gateway) -> Callable[..., Awaitable[Doc]]:
    async def reset(token: str, password: str = NEW_PASSWORD) -> Doc:
        return await gateway.mutate("resetPassword", {"token": token, "newPassword": password})

    return reset


USED = [("EXPIRED", "token")]


async def test_a_reset_link_works_once_and_ends_all_sessions(
    gateway: Gateway, database: Database, reset: Value
) -> None:
    before = await gateway.sign_up()
    link = await account_changes.reset(database, EMAIL)
    assert codes(await reset(link.token, "short")) == [("INVALID", "newPassword")]
    began = await reset(link.token)
    assert began["errors"] == []
    assert began["viewer"] == before["viewer"]
    assert codes(await gateway.write(before["accessToken"])) == OVER
    assert (await gateway.write(began["accessToken"]))["errors"] == []
    assert codes(await reset(link.token)) == USED
    assert codes(await gateway.sign_in()) == OVER
    assert (await gateway.sign_in(password=NEW_PASSWORD))["errors"] == []


async def test_concurrent_uses_of_a_reset_link_succeed_once(
    gateway: Gateway, database: Database, reset: Value
) -> None:
    link = await account_changes.create(database, EMAIL, "Ada", ["STAFF"], None)
    payloads = await gather(*(reset(link.token, f"{NEW_PASSWORD} {n}") for n in range(3)))
    assert sorted(map(codes, payloads)) == [[], USED, USED]
    (won,) = (n for n, payload in enumerate(payloads) if not payload["errors"])
    assert (await gateway.sign_in(password=f"{NEW_PASSWORD} {won}"))["viewer"]["roles"] == ["STAFF"]


async def test_a_reset_link_expires_by_time_and_by_a_password_change(
    gateway: Gateway, database: Database, reset: Value
) -> None:
    session = await gateway.sign_up()
    link = await account_changes.reset(database, EMAIL)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["accountTokens"].update_one({}, {"$set": {"expiresAt": past}})
    assert codes(await reset(link.token)) == USED
    link = await account_changes.reset(database, EMAIL)
    assert (await change_password(gateway, session["accessToken"]))["errors"] == []
    assert codes(await reset(link.token)) == USED


async def test_no_hash_is_computed_for_an_invalid_reset_link(
    reset: Value, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    async def hashed(password: str) -> str:
        computed.append(password)
        return ""

    monkeypatch.setattr(passwords, "hash_password", hashed)
    for token in ("", "x", "x" * 10_000, "\x00"):
        assert codes(await reset(token)) == USED
    assert computed == []


# -- secrets --------------------------------------------------------------------------------------------


async def test_no_password_and_no_token_is_stored_or_logged(
    gateway: Gateway, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = [f"Pass-{uuid4()}" for _ in range(4)]
    sent = await gateway.sign_up(password=secrets[0], idempotencyKey="k1")
    again = await gateway.sign_up(password=secrets[0], idempotencyKey="k1")
    await gateway.sign_in(password=secrets[1])
    changed = await change_password(gateway, again["accessToken"], secrets[0], secrets[1])
    link = await account_changes.reset(database, EMAIL)
    reset = await gateway.mutate("resetPassword", {"token": link.token, "newPassword": secrets[2]})
    assert changed["errors"] == reset["errors"] == []
    refreshed = await gateway.refresh(reset["refreshToken"], "k2")
    await gateway.mutate("signOut", {"refreshToken": refreshed["refreshToken"]})
    for payload in (sent, again, reset, refreshed):
        secrets += [payload["accessToken"], payload["refreshToken"]]
    stored = {
        name: repr(await database[name].find().to_list(None))
        for name in await database.driver.list_collection_names()
    }
    log = "".join(capfd.readouterr())
    for secret in (*secrets, link.token):
        assert secret not in log
        assert [name for name, text in stored.items() if secret in text] == []
    assert [name for name, text in stored.items() if "$argon2" in text] == ["accounts"]
    assert "(secret)" in stored["auditLog"]


BAD = [
    {"input": {"email": EMAIL, "password": PASSWORD}},
    {"input": {"name": "Ada", "email": EMAIL, "password": PASSWORD, "colour": "blue"}},
    {"input": {"name": "Ada", "email": EMAIL, "password": [PASSWORD]}},
    {"input": {"email": EMAIL, "password": 4711081547110815}},
    {"input": {"name": "Ada", "email": EMAIL, "password": 4711081547110815}},
    {"input": {"email": EMAIL, "password": '"correct" \'horse battery'}},
]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("variables", BAD)
async def test_errors_dont_echo_passwords(
    settings: Settings, database: Database, variables: Doc, compiled: bool
) -> None:
    query = "mutation($input: SignUpInput!) { signUp(input: $input) { accessToken } }"
    async with served(settings.model_copy(update={"compiled_execution": compiled})) as gateway:
        answer = (await gateway.post(query, variables)).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "horse battery" not in str(answer)
    assert "47110815" not in str(answer)


async def test_errors_dont_echo_passwords_in_literals(gateway: Gateway) -> None:
    for password in (f'"{PASSWORD}"', f'"""{PASSWORD}"""', '"a \\" horse battery"'):
        query = f'mutation {{ signUp(input: {{email: "{EMAIL}", password: {password}}}) {{ accessToken }} }}'
        answer = (await gateway.post(query)).json()
        assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "horse battery" not in str(answer)


# -- on a server of its own -----------------------------------------------------------------------------


async def test_a_whole_session_over_http(gateway_url: str) -> None:
    gateway, email = Gateway(url=gateway_url), f"{uuid4().hex}@example.org"
    one, two = await gather(*(gateway.sign_up(email, idempotencyKey="k1") for _ in range(2)))
    assert one["viewer"] == two["viewer"]
    lost, found = await gather(*(gateway.refresh(one["refreshToken"], "k2") for _ in range(2)))
    assert lost["refreshToken"] == found["refreshToken"]
    assert (await change_password(gateway, found["accessToken"]))["errors"] == []
    assert one["refreshToken"] == two["refreshToken"]
    other = await gateway.sign_in(email, NEW_PASSWORD)
    assert codes(await gateway.sign_in(email)) == OVER
    await gateway.mutate("signOut", {"refreshToken": found["refreshToken"]})
    assert codes(await gateway.write(found["accessToken"])) == OVER
    assert (await gateway.write(other["accessToken"]))["errors"] == []
    me = await gateway.post(ME, token=found["accessToken"])
    assert me.json()["data"]["viewer"]["student"]["email"] == email  # an access token reads until it expires


async def test_long_texts_are_cut_before_they_are_stored(gateway: Gateway, database: Database) -> None:
    """A huge e-mail address is that of an unknown account, and its attempt takes little space."""
    long = "x" * 400_000
    assert codes(await gateway.sign_in(email=long, password=long)) == [("UNAUTHENTICATED",)]
    kept = await database["attempts"].find().to_list(None)
    assert kept
    assert all(len(str(attempt)) < 2_000 for attempt in kept)
    payload = await gateway.mutate("signIn", {"email": EMAIL, "password": "p", "clientMutationId": long})
    assert codes(payload) == [("INVALID", "clientMutationId")]
