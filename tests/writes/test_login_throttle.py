"""The login throttle: nobody locks an owner out, and no answer reveals whether an account exists."""

from asyncio import gather
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from app.auth.session_tokens import SessionTokens
from app.commands.people import account_changes
from app.observing import Listener, Refused
from app.settings import Settings
from loaders.accounts import login_attempts
from loaders.mongo.database import Database
from resolvers.signing_in import login_throttle, passwords
from tests.writes.sessions import ADDRESS, EMAIL, PASSWORD, Gateway, codes, device_id, served
from tests.writes.support import Json, Value

WRONG, LIMITED = [("UNAUTHENTICATED",)], [("RATE_LIMITED",)]
ELSEWHERE = "203.0.113.9"
UNKNOWN = "nobody@example.org"
PAST = datetime.now(UTC) - timedelta(seconds=1)


@pytest.fixture
async def gateway(settings: Settings, database: Database) -> AsyncIterator[Gateway]:
    """A gateway with long deadlines: a hundred attempts may take long on a slow machine."""
    patient = {"request_timeout": 300.0, "admission_wait": 300.0}
    async with served(settings.model_copy(update=patient)) as gateway:
        yield gateway


def without_seconds(payload: Json) -> Json:
    """A payload without its retryAfter, which depends on the time of the first attempt."""
    assert [error["retryAfter"] is None for error in payload["errors"]].count(codes(payload) == LIMITED) == 0
    return {**payload, "errors": [{**error, "retryAfter": None} for error in payload["errors"]]}


async def fail(gateway: Gateway, times: int, email: str = EMAIL, address: str = ADDRESS) -> list[Json]:
    """Makes a number of wrong attempts at once and returns their error codes."""
    return [
        codes(payload)
        for payload in await gather(*(gateway.sign_in(email, "wrong", address) for _ in range(times)))
    ]


async def test_a_password_reset_lifts_the_throttle(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    assert (await fail(gateway, login_throttle.MAX_PER_KNOWN_SITE + 1)).count(LIMITED) == 1
    link = await account_changes.reset(database, EMAIL)
    new = {"token": link.token, "newPassword": "another good one"}
    assert codes(await gateway.mutate("resetPassword", new)) == []
    assert codes(await gateway.sign_in(password="another good one")) == []


async def counts(database: Database) -> list[int]:
    """The counts of failed attempts. Sign-ups are counted too, but not in these tests."""
    attempts = await database["attempts"].find({"count": {"$exists": True}}).to_list(None)
    return [attempt["count"] for attempt in attempts]


async def test_unknown_addresses_get_the_answer_for_a_wrong_password(gateway: Gateway) -> None:
    await gateway.sign_up(address=ELSEWHERE)
    for _ in range(login_throttle.MAX_PER_SITE + 1):
        answers = await gateway.sign_in(password="wrong"), await gateway.sign_in(UNKNOWN)
        assert without_seconds(answers[0]) == without_seconds(answers[1])
    assert codes(answers[0]) == codes(answers[1]) == LIMITED


@pytest.mark.parametrize("email", [EMAIL, UNKNOWN])
async def test_concurrent_attempts_dont_bypass_the_limit(gateway: Gateway, email: str) -> None:
    await gateway.sign_up()
    answers = await fail(gateway, 3 * login_throttle.MAX_PER_SITE, email)
    assert answers.count(WRONG) == login_throttle.MAX_PER_SITE
    assert answers.count(LIMITED) == 2 * login_throttle.MAX_PER_SITE
    assert codes(await gateway.sign_in(email)) == LIMITED


async def test_a_throttled_client_throttles_nobody_else(gateway: Gateway) -> None:
    await gateway.sign_up()
    await gateway.sign_up("grace@example.org")
    await fail(gateway, login_throttle.MAX_PER_KNOWN_SITE + login_throttle.MAX_PER_NETWORK)
    assert codes(await gateway.sign_in()) == LIMITED
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []
    assert codes(await gateway.sign_in("grace@example.org")) == []


async def test_fifty_wrong_passwords_from_five_addresses_lock_nobody_out(gateway: Gateway) -> None:
    await gateway.sign_up()
    attack = (fail(gateway, login_throttle.MAX_PER_SITE, address=f"203.0.113.{n}") for n in range(5))
    refused = [answer for answers in await gather(*attack) for answer in answers]
    assert refused.count(WRONG) >= login_throttle.MAX_PER_ACCOUNT[2]
    assert refused.count(LIMITED) >= 5
    assert codes(await gateway.sign_in(address="203.0.113.99")) == []
    assert codes(await gateway.sign_in()) == []


async def exhaust(gateway: Gateway, email: str = EMAIL, network: str = "192.0.2") -> None:
    """Uses up the attempts that all unknown sites share."""
    for n in range(login_throttle.MAX_PER_ACCOUNT[0]):
        assert await fail(gateway, 1, email, f"{network}.{n}") == [WRONG]
    assert codes(await gateway.sign_in(email, address=f"{network}.200")) == LIMITED


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Low limits for an account, so that an attack takes little time."""
    monkeypatch.setattr(login_throttle, "MAX_PER_ACCOUNT", (6, 4, 2))


@pytest.mark.usefixtures("few")
async def test_an_account_under_attack_from_many_addresses_is_closed_to_strangers_only(
    gateway: Gateway, database: Database
) -> None:
    device = (await gateway.sign_up())["deviceToken"]
    await exhaust(gateway)
    wrong, right = [
        await gateway.sign_in(password=password, address=ELSEWHERE) for password in ("wrong", PASSWORD)
    ]
    assert without_seconds(wrong) == without_seconds(right)  # a stranger doesn't learn the password
    assert 0 < right["errors"][0]["retryAfter"] <= 3600
    assert codes(await gateway.sign_in()) == []  # from where the owner has signed in before
    assert codes(await gateway.sign_in(address=ELSEWHERE, device=device)) == []  # on the owner's device
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []  # from where the device has just been
    await database["attempts"].update_many({"count": 6}, {"$set": {"expiresAt": PAST}})
    assert codes(await gateway.sign_in(address="192.0.2.200")) == []


@pytest.mark.usefixtures("few")
async def test_unknown_accounts_are_closed_to_strangers_too(gateway: Gateway) -> None:
    await exhaust(gateway, UNKNOWN)


@pytest.mark.usefixtures("few")
async def test_a_reset_link_is_a_way_in_under_attack(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up()
    await exhaust(gateway)
    link = await account_changes.reset(database, EMAIL)
    new = {"token": link.token, "newPassword": "another good one"}
    payload = await gateway.mutate("resetPassword", new, address=ELSEWHERE)
    assert codes(payload) == []
    await exhaust(gateway, network="198.18.0")
    assert codes(await gateway.sign_in(EMAIL, "another good one", ELSEWHERE)) == []
    device = payload["deviceToken"]
    assert codes(await gateway.sign_in(EMAIL, "another good one", "192.0.2.250", device)) == []


@pytest.mark.parametrize(("number", "most"), [(1, 100), (2, 60), (3, 60), (4, 30), (10, 30)])
async def test_the_more_a_site_has_tried_the_sooner_it_is_refused(
    gateway: Gateway, database: Database, number: int, most: int
) -> None:
    await fail(gateway, number)
    key = login_attempts._id(f"account {EMAIL}")
    for count, answer in ((most - 1, WRONG), (most, LIMITED)):
        await database["attempts"].update_one({"_id": key}, {"$set": {"count": count}})
        await database["attempts"].update_one(
            {"_id": login_attempts._id(f"site {ADDRESS} {EMAIL}")}, {"$set": {"count": number - 1}}
        )
        assert await fail(gateway, 1) == [answer]


def test_closing_an_account_to_strangers_takes_some_fifty_sites() -> None:
    """The docs say so. Each site tries as often as it may."""
    tried = sites = 0
    while tried < login_throttle.MAX_PER_ACCOUNT[0]:
        sites += 1
        for number in range(1, login_throttle.MAX_PER_SITE + 1):
            tried += tried < login_throttle._of_account(EMAIL, number).most
    assert (tried, sites) == (100, 53)


async def test_a_stranger_on_the_owners_network_is_stopped_and_the_owners_device_is_not(
    gateway: Gateway,
) -> None:
    device = (await gateway.sign_up())["deviceToken"]
    refused = await fail(gateway, login_throttle.MAX_PER_KNOWN_SITE + 1)
    assert refused.count(WRONG) == login_throttle.MAX_PER_KNOWN_SITE
    assert codes(await gateway.sign_in()) == LIMITED
    assert codes(await gateway.sign_in(device=device)) == []


async def test_a_device_has_attempts_of_its_own_and_then_those_of_a_stranger(gateway: Gateway) -> None:
    device = (await gateway.sign_up())["deviceToken"]
    wrong = [
        codes(await gateway.sign_in(password="wrong", address=ELSEWHERE, device=device))
        for _ in range(login_throttle.MAX_PER_DEVICE + login_throttle.MAX_PER_SITE + 1)
    ]
    assert wrong == [WRONG] * (login_throttle.MAX_PER_DEVICE + login_throttle.MAX_PER_SITE) + [LIMITED]
    other = (await gateway.sign_in())["deviceToken"]
    assert codes(await gateway.sign_in(address=ELSEWHERE, device=other)) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("which", ["of another account", "of another gateway", "refresh", "none", "long"])
async def test_other_device_tokens_give_no_attempts(gateway: Gateway, database: Database, which: str) -> None:
    own = await gateway.sign_up()
    stored = await database["accounts"].find_one({"email": EMAIL})
    assert stored is not None
    other = await gateway.sign_up("grace@example.org")
    token = {
        "of another account": other["deviceToken"],
        "of another gateway": SessionTokens(b"another secret").device(stored["passwordHash"], ObjectId()),
        "refresh": own["refreshToken"],
        "none": "",
        "long": "A" * 5000,
    }[which]
    await exhaust(gateway)
    assert codes(await gateway.sign_in(address=ELSEWHERE, device=token)) == LIMITED


async def test_a_device_keeps_its_id(gateway: Gateway, database: Database) -> None:
    """A thief with a refresh token must not get ten guesses for each refresh."""
    first = await gateway.sign_up()
    refreshed = await gateway.refresh(first["refreshToken"])
    again = await gateway.sign_in(device=refreshed["deviceToken"])
    again = await gateway.refresh(again["refreshToken"])
    other = await gateway.sign_in()
    payloads = (first, refreshed, again, other)
    ids = [await device_id(database, payload["deviceToken"]) for payload in payloads]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert None not in ids


async def test_a_device_that_has_used_up_its_attempts_is_a_new_one_after_the_right_password(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_DEVICE", 1)
    device = (await gateway.sign_up())["deviceToken"]
    assert codes(await gateway.sign_in(password="wrong", device=device)) == WRONG
    other = (await gateway.sign_in(device=device))["deviceToken"]
    assert await device_id(database, device) != await device_id(database, other)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("how", ["changePassword", "resetPassword"])
async def test_a_new_password_ends_all_devices_and_sites(
    gateway: Gateway, database: Database, how: str
) -> None:
    """Whoever knew the old password gets no attempts of their own at the new one."""
    own = await gateway.sign_up()
    thief = await gateway.sign_in(address=ELSEWHERE)
    new = "another good one"
    if how == "changePassword":
        change = {"currentPassword": PASSWORD, "newPassword": new}
        assert codes(await gateway.mutate(how, change, token=own["accessToken"])) == []
        own = await gateway.refresh(own["refreshToken"])
    else:
        link = await account_changes.reset(database, EMAIL)
        own = await gateway.mutate(how, {"token": link.token, "newPassword": new})
    await exhaust(gateway)
    for device in (thief["deviceToken"], None):
        assert codes(await gateway.sign_in(EMAIL, new, ELSEWHERE, device)) == LIMITED
    assert await device_id(database, thief["deviceToken"]) is None
    assert codes(await gateway.sign_in(EMAIL, new)) == []  # from where the password was changed
    assert codes(await gateway.sign_in(EMAIL, new, "192.0.2.250", own["deviceToken"])) == []


async def test_a_site_is_forgotten_after_thirty_days(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.sign_up()
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account is not None
    key = {"_id": login_attempts._id(f"known {ADDRESS} {EMAIL} {account['passwordHash']}")}
    known = await database["attempts"].find_one(key)
    assert known is not None
    left = known["expiresAt"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    monkeypatch.setattr(login_throttle, "MAX_PER_KNOWN_SITE", 1)
    assert await fail(gateway, 2) in ([WRONG, LIMITED], [LIMITED, WRONG])
    await database["attempts"].update_one(key, {"$set": {"expiresAt": PAST}})
    assert await fail(gateway, 2) == [WRONG, WRONG]


async def test_a_throttled_attempt_counts_against_no_limit(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_ACCOUNT", (3, 3, 3))
    await gateway.sign_up()
    for n in range(3):
        await fail(gateway, 1, address=f"192.0.2.{n}")
    for _ in range(2 * login_throttle.MAX_PER_SITE):
        assert codes(await gateway.sign_in(address=ELSEWHERE)) == LIMITED
    assert max(await counts(database)) == 3
    await database["attempts"].update_one({"count": 3}, {"$set": {"count": 0}})
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []


async def test_attempts_from_one_address_on_many_accounts_are_limited(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_NETWORK", 5)
    await gateway.sign_up()
    answers = await gather(*(fail(gateway, 1, f"{n}@example.org") for n in range(8)))
    assert answers.count([WRONG]) == 5
    await gateway.sign_up("grace@example.org", address=ELSEWHERE)
    assert codes(await gateway.sign_in("grace@example.org")) == LIMITED
    assert codes(await gateway.sign_in("grace@example.org", address=ELSEWHERE)) == []
    assert codes(await gateway.sign_in()) == []  # the network is known to this account


async def test_whoever_holds_many_networks_gets_the_attempts_of_a_few(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A /56 counts as four networks, and a /48 as sixteen: a customer's /56 doesn't use up the /48."""
    monkeypatch.setattr(login_throttle, "MAX_PER_NETWORK", 1)
    tried = iter(range(100))

    async def attempts(network: str, networks: int) -> int:
        """Tries once from each network of the size /64. Returns the number of attempts until a refusal."""
        for allowed in range(networks):
            (answer,) = await fail(gateway, 1, f"{next(tried)}@example.org", f"{network}{allowed:02x}::1")
            if answer == LIMITED:
                return allowed
        return networks

    assert [await attempts(f"2001:db8:0:{n}", 6) for n in range(1, 6)] == [4, 4, 4, 4, 0]
    assert await attempts("2001:db8:1:1", 6) == 4


async def test_a_network_that_is_refused_stores_nothing_more(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_NETWORK", 2)
    for n in range(6):
        assert await fail(gateway, 1, f"{n}@example.org") == [WRONG if n < 2 else LIMITED]
    assert await database["attempts"].count_documents({}) == 1 + 2 * 2  # the network, sites, accounts


async def test_crafted_email_addresses_dont_collide_with_other_keys(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of one limit never equals a key of another limit."""
    monkeypatch.setattr(login_throttle, "MAX_PER_NETWORK", 3)
    monkeypatch.setattr(login_throttle, "MAX_PER_ACCOUNT", (3, 3, 3))
    await gateway.sign_up()
    for typed in (ELSEWHERE, f"network {ELSEWHERE}", f"account {EMAIL}", f"{EMAIL} {ELSEWHERE}"):
        for n in range(4):
            await fail(gateway, 1, typed, f"192.0.2.{n}")
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []


async def test_a_correct_password_clears_failed_attempts(gateway: Gateway, database: Database) -> None:
    await gateway.sign_up(address=ELSEWHERE)
    few = login_throttle.MAX_PER_SITE - 1
    assert await fail(gateway, few) == [WRONG] * few
    assert codes(await gateway.sign_in()) == []
    shared = {"count": few}  # those of the account and of the network remain
    assert await database["attempts"].count_documents(shared) == 2
    for _ in range(2):  # the site is known now
        assert await fail(gateway, few) == [WRONG] * few
        assert codes(await gateway.sign_in()) == []
    assert await database["attempts"].count_documents(shared) == 2


@pytest.mark.parametrize("is_known", [True, False])
async def test_attempts_expire(gateway: Gateway, database: Database, is_known: bool) -> None:
    await gateway.sign_up(address=ADDRESS if is_known else ELSEWHERE)
    most = login_throttle.MAX_PER_KNOWN_SITE if is_known else login_throttle.MAX_PER_SITE
    await fail(gateway, most)
    (error,) = (await gateway.sign_in())["errors"]
    window = 15 if is_known else 60
    assert window * 60 - 60 < error["retryAfter"] <= window * 60
    assert error["message"] == f"Too many attempts: try again in {window} min."
    await database["attempts"].update_many({"count": {"$gt": 1}}, {"$set": {"expiresAt": PAST}})
    assert await fail(gateway, most) == [WRONG] * most
    assert codes(await gateway.sign_in()) == LIMITED


@pytest.mark.parametrize(("ms", "seconds"), [(-5_000, None), (300, 1), (1_300, 2), (61_000, 61)])
async def test_the_wait_is_in_whole_seconds_rounded_up(
    gateway: Gateway, database: Database, ms: int, seconds: int | None
) -> None:
    """A client that waits as long as it was told isn't refused for being early."""
    await fail(gateway, login_throttle.MAX_PER_SITE)
    until = datetime.now(UTC) + timedelta(milliseconds=ms + 60_000)
    await database["attempts"].update_many({}, {"$set": {"expiresAt": until}})
    (error,) = (await gateway.sign_in())["errors"]
    assert (seconds or 0) <= error["retryAfter"] - 60 + 5 <= (seconds or 0) + 5


async def test_gateway_failures_dont_count_as_attempts(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(password: str, stored: str | None) -> bool:
        raise MemoryError

    await gateway.sign_up(address=ELSEWHERE)
    await database["attempts"].delete_many({})
    monkeypatch.setattr(passwords, "verify", broken)
    query = f'mutation {{ signIn(input: {{email: "{EMAIL}", password: "x"}}) {{ accessToken }} }}'
    answer = (await gateway.post(query)).json()
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert set(await counts(database)) == {0}


async def test_a_retried_sign_up_is_throttled_like_a_sign_in(gateway: Gateway) -> None:
    await gateway.sign_up(idempotencyKey="k1")
    sent = {"name": "Ada", "email": EMAIL, "password": "another password", "idempotencyKey": "k1"}
    for _ in range(login_throttle.MAX_PER_KNOWN_SITE):
        assert codes(await gateway.mutate("signUp", sent)) == [("DUPLICATE", "email")]
    assert codes(await gateway.mutate("signUp", sent)) == LIMITED
    assert codes(await gateway.sign_in()) == LIMITED


async def test_a_stolen_access_token_locks_nobody_out(gateway: Gateway) -> None:
    stolen, own = await gateway.sign_up(), await gateway.sign_in()
    change = {"currentPassword": "wrong", "newPassword": "another password"}

    async def changed(session: Json, **more: Value) -> Json:
        return await gateway.mutate("changePassword", change | more, token=session["accessToken"])

    for _ in range(login_throttle.MAX_PER_SESSION):
        assert codes(await changed(stolen)) == [("INVALID", "currentPassword")]
    (error,) = (await changed(stolen, currentPassword=PASSWORD))["errors"]
    assert error["code"] == "RATE_LIMITED"
    assert 14 * 60 < error["retryAfter"] <= 15 * 60
    assert codes(await gateway.sign_in()) == []
    assert codes(await gateway.sign_in(address=ELSEWHERE)) == []
    assert codes(await changed(own, currentPassword=PASSWORD)) == []


async def test_changing_the_password_forgets_the_sessions_failures(gateway: Gateway) -> None:
    session = await gateway.sign_up()
    change = {"currentPassword": "wrong", "newPassword": PASSWORD}
    for _ in range(2):
        for _ in range(login_throttle.MAX_PER_SESSION - 1):
            await gateway.mutate("changePassword", change, token=session["accessToken"])
        right = change | {"currentPassword": PASSWORD}
        assert codes(await gateway.mutate("changePassword", right, token=session["accessToken"])) == []


async def test_refusals_are_counted_by_limit(settings: Settings, database: Database) -> None:
    seen: list[Refused] = []

    class Listening(Listener):
        def refused(self, refusal: Refused) -> None:
            seen.append(refusal)

    async with served(settings, Listening()) as gateway:
        await fail(gateway, login_throttle.MAX_PER_SITE)
        await gateway.sign_in()
    assert [(refusal.code, refusal.limit) for refusal in seen] == [("RATE_LIMITED", "sign_in.site")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:ffff::1", True),
        ("2001:db8::1", "2001:db8:1::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.8", False),
        ("", "198.51.100.7", False),
        ("a socket", "another", False),
    ],
)
async def test_a_site_of_ipv6_is_one_client(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, one: str, other: str, same: bool
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_PER_SITE", 1)
    await fail(gateway, 1, address=one)
    assert await fail(gateway, 1, address=other) == [LIMITED if same else WRONG]


async def test_stored_attempts_are_small_and_anonymous(gateway: Gateway, database: Database) -> None:
    await fail(gateway, 1)
    await fail(gateway, 1, "x" * 100_000)
    stored = await database["attempts"].find().to_list(None)
    assert all(len(attempt["_id"]) == 32 for attempt in stored)
    assert "ada" not in repr(stored)
