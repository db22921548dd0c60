"""requestPasswordReset and resendVerification: what they write, their limits, and that they tell nothing."""

import pytest

from app.commands.people import account_changes
from app.settings import Settings
from loaders.accounts import LINK_LASTS
from loaders.accounts.account_tokens import MOST_LINKS
from loaders.mongo.bson_types import now, utc
from loaders.mongo.database import Database
from resolvers.signing_in import message_limits
from tests.accounts.conftest import Refusals
from tests.accounts.support import Doc, link, mailing, outbox
from tests.support import RunQuery
from tests.writes.sessions import ADDRESS, EMAIL, PASSWORD, Gateway, codes, served
from tests.writes.support import Value

NEW_PASSWORD = "another horse, another battery"
ELSEWHERE = "203.0.113.9"
EXPIRED, LIMITED = [("EXPIRED", "token")], [("RATE_LIMITED",)]
KINDS = {"requestPasswordReset": "message.reset_password", "resendVerification": "message.verify_email"}

both = pytest.mark.parametrize("name", KINDS)


async def ask(gateway: Gateway, name: str, email: str = EMAIL, address: str = ADDRESS, **more: Value) -> Doc:
    return await gateway.mutate(name, {"email": email, **more}, address=address)


async def reset(gateway: Gateway, token: str) -> Doc:
    return await gateway.mutate("resetPassword", {"token": token, "newPassword": NEW_PASSWORD})


async def reset_link(gateway: Gateway, database: Database) -> str:
    assert codes(await ask(gateway, "requestPasswordReset")) == []
    (message,) = await outbox(database)
    return await link(database, message)


@pytest.fixture
async def session(gateway: Gateway, database: Database) -> Doc:
    """The session of Ada, who has signed up; her message is not in the outbox any more."""
    signed_up = await gateway.sign_up()
    await outbox(database)
    return signed_up


# -- the same for every address ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize("aliases", [1, 2])
async def test_every_address_gets_the_same_answer_for_the_same_work(
    settings: Settings,
    database: Database,
    mongo_commands: list[str],
    run_query: RunQuery,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    aliases: int,
) -> None:
    async with served(settings) as gateway:
        await gateway.sign_up()
        await gateway.sign_up("verified@example.org")
    await account_changes.create(database, "staff@example.org", "Grace", ["STAFF"], None)
    verified = {"$set": {"emailVerifiedAt": now()}}
    await database["accounts"].update_one({"email": "verified@example.org"}, verified)
    monkeypatch.setattr(database, "destinations", mailing(settings).destinations)
    type_name = name[0].upper() + name[1:]
    fields = " ".join(f"m{n}: {name}(input: $input) {{ errors {{ code }} }}" for n in range(aliases))
    query = f"mutation($input: {type_name}Input!) {{ {fields} }}"

    async def seen(email: str) -> tuple[Value, list[str], list[Doc]]:
        await database["attempts"].delete_many({})
        mongo_commands.clear()
        answer = await run_query(query, {"input": {"email": email}})
        commands = [command for command in mongo_commands if not command.startswith("endSessions")]
        entries = [
            {name: entry[name] for name in ("kind", "data", "people", "language", "state")}
            for entry in await outbox(database)
        ]
        return answer, commands, entries

    expected = await seen("nobody@example.org")
    sent = ["findAndModify attempts"] * 4 + ["update outbox", "commitTransaction 1"]
    assert expected[0] == {f"m{n}": {"errors": []} for n in range(aliases)}
    assert expected[1] == sent * aliases
    assert [entry["kind"] for entry in expected[2]] == [KINDS[name]] * aliases
    for email in (EMAIL, f" {EMAIL.upper()} ", "verified@example.org", "staff@example.org"):
        assert await seen(email) == expected


@both
async def test_a_message_is_for_an_address_and_names_no_account(
    gateway: Gateway, database: Database, session: Doc, name: str
) -> None:
    assert codes(await ask(gateway, name, " Ada@Example.org ")) == []
    (message,) = await outbox(database)
    assert (message["kind"], message["to"], message["people"]) == (KINDS[name], EMAIL, [])
    lasts = LINK_LASTS["RESET" if name == "requestPasswordReset" else "VERIFY"]
    assert utc(message["expiresOn"]) - utc(message["at"]) == lasts


@both
async def test_a_gateway_that_sends_no_messages_says_so(
    settings: Settings, database: Database, name: str
) -> None:
    async with served(settings) as gateway:
        await gateway.sign_up()
        for email in (EMAIL, "nobody@example.org"):
            payload = await ask(gateway, name, email)
            assert codes(payload) == [("FORBIDDEN",)]
            for told in ("sends no messages", "LECTERN_SMTP_URL", "LECTERN_MESSAGES_URL"):
                assert told in payload["errors"][0]["message"]


@both
async def test_what_is_no_address_is_invalid(gateway: Gateway, name: str) -> None:
    assert codes(await ask(gateway, name, "nobody")) == [("INVALID", "email")]


@both
async def test_a_retry_with_the_same_key_sends_nothing_twice(
    gateway: Gateway, database: Database, name: str
) -> None:
    for _ in range(2):
        assert codes(await ask(gateway, name, idempotencyKey="k1")) == []
    assert codes(await ask(gateway, name, "bob@example.org", idempotencyKey="k1")) == []
    assert sorted(message["to"] for message in await outbox(database)) == [EMAIL, "bob@example.org"]


# -- limits -----------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_an_address_gets_a_few_messages_and_nobody_is_told(
    gateway: Gateway, database: Database, refusals: Refusals, session: Doc, name: str, email: str
) -> None:
    most = message_limits.MAX_PER_HOUR
    for n in range(most + 2):
        assert codes(await ask(gateway, name, email, f"203.0.113.{n}")) == []
    assert len(await outbox(database)) == most
    assert refusals.limits == ["messages.address"] * 2


@both
async def test_an_address_gets_a_few_messages_of_a_kind_within_a_day(
    gateway: Gateway,
    database: Database,
    refusals: Refusals,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_HOUR", 100)
    most = message_limits.MAX_PER_DAY
    for n in range(most + 1):
        assert codes(await ask(gateway, name, address=f"203.0.113.{n}")) == []
    assert len(await outbox(database)) == most
    assert refusals.limits == ["messages.address"]
    for other in KINDS.keys() - {name}:  # whose limits are its own
        assert codes(await ask(gateway, other)) == []
    assert len(await outbox(database)) == 1


@both
async def test_a_site_cant_use_up_the_messages_of_an_address(
    gateway: Gateway,
    database: Database,
    refusals: Refusals,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_HOUR", 100)
    most = message_limits.MAX_PER_SITE
    for _ in range(most + 1):
        assert codes(await ask(gateway, name)) == []
    assert len(await outbox(database)) == most < message_limits.MAX_PER_DAY
    assert refusals.limits == ["messages.site"]
    assert codes(await ask(gateway, name, address=ELSEWHERE)) == []
    assert len(await outbox(database)) == 1


@both
async def test_a_site_without_messages_left_uses_up_none_of_an_hour(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_SITE", 1)
    for _ in range(1 + message_limits.MAX_PER_HOUR):
        assert codes(await ask(gateway, name)) == []
    assert len(await outbox(database)) == 1
    for n in range(message_limits.MAX_PER_HOUR):
        assert codes(await ask(gateway, name, address=f"203.0.113.{n}")) == []
    assert len(await outbox(database)) == message_limits.MAX_PER_HOUR - 1


@both
async def test_what_an_hour_refuses_counts_for_no_day(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for _ in range(message_limits.MAX_PER_SITE + 1):
        assert codes(await ask(gateway, name)) == []
    assert len(await outbox(database)) == message_limits.MAX_PER_HOUR
    monkeypatch.setattr(message_limits, "MAX_PER_HOUR", 100)
    assert codes(await ask(gateway, name)) == []
    assert len(await outbox(database)) == 1


@both
async def test_addresses_of_one_mailbox_share_its_limits(
    gateway: Gateway, database: Database, name: str
) -> None:
    most = message_limits.MAX_PER_HOUR
    for n in range(most + 1):
        assert codes(await ask(gateway, name, f"ada+{n}@example.org")) == []
    assert len(await outbox(database)) == most


@both
async def test_a_network_asks_for_a_few_messages(
    gateway: Gateway, database: Database, refusals: Refusals, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_NETWORK", 2)
    for n in range(2):
        assert codes(await ask(gateway, name, f"{n}@example.org")) == []
    payload = await ask(gateway, name, "3@example.org")
    assert codes(payload) == LIMITED
    assert 59 * 60 < payload["errors"][0]["retryAfter"] <= 60 * 60
    assert refusals.limits == ["messages.network"]
    assert codes(await ask(gateway, name, "3@example.org", ELSEWHERE)) == []
    assert len(await outbox(database)) == 3


async def test_a_request_asks_for_a_few_messages(
    gateway: Gateway, database: Database, refusals: Refusals
) -> None:
    most = message_limits.MAX_MESSAGES
    fields = " ".join(
        f'm{n}: requestPasswordReset(input: {{email: "{n}@example.org"}}) {{ errors {{ code }} }}'
        for n in range(most + 1)
    )
    answer = (await gateway.post(f"mutation {{ {fields} }}")).json()["data"]
    assert [len(answer[f"m{n}"]["errors"]) for n in range(most + 1)] == [0] * most + [1]
    assert answer[f"m{most}"]["errors"] == [{"code": "RATE_LIMITED"}]
    assert len(await outbox(database)) == most
    assert refusals.limits == ["messages.request"]


# -- reset links ------------------------------------------------------------------------------------------


async def test_a_mailed_link_sets_the_password_and_verifies_the_address(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    token = await reset_link(gateway, database)
    payload = await reset(gateway, token)
    assert codes(payload) == []
    me = (await gateway.post("{ viewer { emailVerified } }", token=payload["accessToken"])).json()
    assert me["data"]["viewer"]["emailVerified"] is True
    assert codes(await reset(gateway, token)) == EXPIRED
    assert codes(await gateway.sign_in(password=NEW_PASSWORD)) == []
    (told,) = await outbox(database)
    assert (told["kind"], told["to"]) == ("message.password_changed", None)


async def test_a_printed_link_does_not_verify_the_address(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    printed = await account_changes.reset(database, EMAIL)
    payload = await reset(gateway, printed.token)
    assert codes(payload) == []
    me = (await gateway.post("{ viewer { emailVerified } }", token=payload["accessToken"])).json()
    assert me["data"]["viewer"]["emailVerified"] is False


async def test_whoever_asks_again_does_not_make_the_earlier_links_invalid(
    gateway: Gateway, database: Database, session: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_HOUR", 10)
    tokens = [await reset_link(gateway, database) for _ in range(MOST_LINKS + 1)]
    assert codes(await reset(gateway, tokens[0])) == EXPIRED
    assert codes(await reset(gateway, tokens[1])) == []
    for token in tokens[2:]:  # a new password makes all of them invalid
        assert codes(await reset(gateway, token)) == EXPIRED


async def test_a_changed_password_makes_links_invalid_and_its_owner_is_told(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    token = await reset_link(gateway, database)
    values = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert codes(await gateway.mutate("changePassword", values, token=session["accessToken"])) == []
    (told,) = await outbox(database)
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    assert (told["kind"], told["data"]["accountId"]) == ("message.password_changed", account["_id"])
    assert codes(await reset(gateway, token)) == EXPIRED


async def test_a_printed_link_makes_earlier_ones_invalid(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    token = await reset_link(gateway, database)
    printed = await account_changes.reset(database, EMAIL)
    assert codes(await reset(gateway, token)) == EXPIRED
    assert codes(await reset(gateway, printed.token)) == []


async def test_mailed_links_do_not_make_a_printed_one_invalid(
    gateway: Gateway, database: Database, session: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "MAX_PER_HOUR", 10)
    printed = await account_changes.reset(database, EMAIL)
    mailed = [await reset_link(gateway, database) for _ in range(MOST_LINKS + 1)]
    assert codes(await reset(gateway, mailed[0])) == EXPIRED
    assert codes(await reset(gateway, printed.token)) == []
    for token in mailed[1:]:
        assert codes(await reset(gateway, token)) == EXPIRED


# -- forms of addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email", ["ada@example.org.", "ada@exämple.org", "ädä@example.org", "ada@@example.org", "ada@example"]
)
@pytest.mark.parametrize("name", ["signUp", "requestPasswordReset", "changeEmail"])
async def test_an_address_of_another_form_is_invalid(
    gateway: Gateway, database: Database, session: Doc, email: str, name: str
) -> None:
    field = "newEmail" if name == "changeEmail" else "email"
    values = {"name": "Ada"} if name == "signUp" else {}
    values |= {} if name == "requestPasswordReset" else {"password": PASSWORD}
    token = session["accessToken"] if name == "changeEmail" else None
    payload = await gateway.mutate(name, {**values, field: email}, token=token)
    assert codes(payload) == [("INVALID", field)]


async def test_addresses_that_differ_in_case_are_one_and_those_with_a_tag_are_others(
    gateway: Gateway, session: Doc
) -> None:
    values = {"name": "Ada", "email": " ADA@Example.ORG ", "password": PASSWORD}
    assert codes(await gateway.mutate("signUp", values)) == [("DUPLICATE", "email")]
    assert codes(await gateway.sign_in("ADA@EXAMPLE.org")) == []
    assert codes(await gateway.mutate("signUp", {**values, "email": "ada+tag@example.org"})) == []
