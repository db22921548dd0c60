"""changeEmail: an address changes once the link that was sent to the new one is opened."""

from asyncio import gather

import pytest

from app.settings import Settings
from loaders.mongo.bson_types import utc
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.signing_in import login_throttle, message_limits
from tests.accounts.conftest import Refusals
from tests.accounts.support import Doc, link, mailing, outbox
from tests.accounts.test_verification import EXPIRED, verify
from tests.support import TOKENS, RunQuery
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes, served
from tests.writes.support import STAFF, Value

NEW, TAKEN = "ada@example.com", "bob@example.org"
ME = "{ viewer { email emailVerified student { email } } }"
LOG = "{ auditLog { nodes { action changes { collection before after } } } }"


async def change(gateway: Gateway, by: Doc, email: str = NEW, password: str = PASSWORD, **more: Value) -> Doc:
    values = {"newEmail": email, "password": password, **more}
    return await gateway.mutate("changeEmail", values, token=by["accessToken"])


async def me(gateway: Gateway, by: Doc) -> Doc:
    answer: Doc = (await gateway.post(ME, token=by["accessToken"])).json()["data"]["viewer"]
    return answer


@pytest.fixture
async def session(gateway: Gateway, database: Database) -> Doc:
    """The session of Ada, who has signed up, as Bob has; their messages are not in the outbox any more."""
    await gateway.sign_up(TAKEN)
    signed_up = await gateway.sign_up()
    await outbox(database)
    return signed_up


async def test_the_address_changes_when_the_link_is_opened(
    gateway: Gateway, database: Database, session: Doc, run_query: RunQuery
) -> None:
    assert codes(await change(gateway, session)) == []
    (message,) = await outbox(database)
    assert (message["kind"], message["to"]) == ("message.change_email", NEW)
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    assert message["data"]["accountId"] == account["_id"]
    assert await me(gateway, session) == {
        "email": EMAIL, "emailVerified": False, "student": {"email": EMAIL}
    }  # fmt: skip

    payload = await verify(gateway, session, await link(database, message))
    assert codes(payload) == []
    assert payload["viewer"] == {"email": NEW, "emailVerified": True}
    assert (await me(gateway, session))["student"] == {"email": NEW}
    (told,) = await outbox(database)
    assert (told["kind"], told["to"]) == ("message.email_changed", EMAIL)
    assert codes(await gateway.sign_in(NEW)) == []
    assert codes(await gateway.sign_in()) == [("UNAUTHENTICATED",)]
    entries = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"]
    actions = [entry["action"] for entry in entries if entry["action"] not in ("signUp", "signIn")]
    assert actions == ["verifyEmail", "changeEmail"]


async def test_the_links_to_the_former_address_become_invalid(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    for name in ("requestPasswordReset", "resendVerification"):
        await gateway.mutate(name, {"email": EMAIL})
    await change(gateway, session)
    links = {message["kind"]: await link(database, message) for message in await outbox(database)}
    assert codes(await verify(gateway, session, links["message.change_email"])) == []
    values = {"token": links["message.reset_password"], "newPassword": "another horse battery"}
    assert codes(await gateway.mutate("resetPassword", values)) == EXPIRED
    assert codes(await verify(gateway, session, links["message.verify_email"])) == EXPIRED


@pytest.mark.parametrize("by", ["changePassword", "resetPassword"])
async def test_a_new_password_makes_the_link_invalid(
    gateway: Gateway, database: Database, session: Doc, by: str
) -> None:
    await gateway.mutate("requestPasswordReset", {"email": EMAIL})
    await change(gateway, session)
    links = {message["kind"]: await link(database, message) for message in await outbox(database)}
    if by == "changePassword":
        values = {"currentPassword": PASSWORD, "newPassword": "another horse battery"}
        assert codes(await gateway.mutate(by, values, token=session["accessToken"])) == []
    else:
        values = {"token": links["message.reset_password"], "newPassword": "another horse battery"}
        session = await gateway.mutate(by, values)
        assert codes(session) == []
    assert codes(await verify(gateway, session, links["message.change_email"])) == EXPIRED


async def test_an_address_that_is_taken_gets_the_same_answer_for_the_same_work(
    settings: Settings,
    database: Database,
    mongo_commands: list[str],
    run_query: RunQuery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(settings) as gateway:
        await gateway.sign_up(TAKEN)
        viewer = TOKENS.viewer((await gateway.sign_up())["accessToken"])
    monkeypatch.setattr(database, "destinations", mailing(settings).destinations)
    query = """mutation($input: ChangeEmailInput!) {
      changeEmail(input: $input) { viewer { email } errors { code } } }"""

    async def seen(email: str) -> tuple[Value, list[str]]:
        await database["attempts"].delete_many({})
        mongo_commands.clear()
        answer = await run_query(query, {"input": {"newEmail": email, "password": PASSWORD}}, viewer=viewer)
        return answer, [command for command in mongo_commands if not command.startswith("endSessions")]

    expected = await seen(NEW)
    assert expected[0]["changeEmail"] == {"viewer": {"email": EMAIL}, "errors": []}
    assert expected[1].count("update outbox") == 1
    assert await seen(TAKEN) == expected
    assert [message["to"] for message in await outbox(database)] == [NEW, TAKEN]


async def test_an_address_that_was_taken_meanwhile_is_a_duplicate(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    await change(gateway, session)
    (message,) = await outbox(database)
    token = await link(database, message)
    await gateway.sign_up(NEW)
    assert codes(await verify(gateway, session, token)) == [("DUPLICATE", "token")]
    assert (await me(gateway, session))["email"] == EMAIL


async def test_of_two_accounts_that_want_an_address_at_once_one_gets_it(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    other = await gateway.sign_in(TAKEN)
    links = []
    for own in (session, other):
        await change(gateway, own)
        (message,) = await outbox(database)
        links.append(await link(database, message))
    payloads = await gather(verify(gateway, session, links[0]), verify(gateway, other, links[1]))
    assert sorted(codes(payload) for payload in payloads) == [[], [("DUPLICATE", "token")]]
    assert await database["accounts"].count_documents({"email": NEW}) == 1


async def test_a_wrong_password_sends_nothing_and_is_limited(
    gateway: Gateway, database: Database, session: Doc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_SESSION", 2)
    for _ in range(2):
        assert codes(await change(gateway, session, password="wrong")) == [("INVALID", "password")]
    assert codes(await change(gateway, session)) == [("RATE_LIMITED",)]
    assert await outbox(database) == []


async def test_an_address_gets_a_few_messages(
    gateway: Gateway, database: Database, session: Doc, refusals: Refusals
) -> None:
    for _ in range(message_limits.MAX_PER_HOUR + 1):
        assert codes(await change(gateway, session)) == []
    assert len(await outbox(database)) == message_limits.MAX_PER_HOUR
    assert refusals.limits == ["messages.address"]


async def test_a_retry_with_the_same_key_sends_nothing_twice(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    for _ in range(2):
        assert codes(await change(gateway, session, idempotencyKey="k1")) == []
    (message,) = await outbox(database)
    assert utc(message["expiresOn"]) > utc(message["at"])


async def test_a_session_that_has_ended_changes_nothing(
    gateway: Gateway, database: Database, session: Doc
) -> None:
    await gateway.mutate("signOut", {"refreshToken": session["refreshToken"]})
    assert codes(await change(gateway, session)) == [("UNAUTHENTICATED",)]
    assert await outbox(database) == []


async def test_a_person_of_an_external_issuer_changes_it_there(gateway: Gateway) -> None:
    viewer = Viewer(frozenset({"STUDENT"}), subject="https://id.example.org|7")
    payload = await change(gateway, {"accessToken": TOKENS.access(viewer).text})
    assert codes(payload) == [("FORBIDDEN",)]
    assert "sign-in provider" in payload["errors"][0]["message"]
