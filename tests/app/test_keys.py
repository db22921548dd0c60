"""The keys of an external issuer, from a server or a file."""

from asyncio import gather
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import pytest

from loaders.mongo.database import Database
from tests.app.issuers import (
    EC,
    INVALID,
    RSA,
    RSA2,
    TAKEN,
    UNAVAILABLE,
    WEAK,
    Server,
    issuer,
    key_set,
    outcome,
)

ODD_KEYS: list[Any] = [
    None, "a key", 1, [], {}, {"kty": "RSA"}, {"kty": ["RSA"], "kid": "odd"}, {"kty": "oct", "kid": "odd"},
    {"kty": "RSA", "n": 1, "e": 2, "kid": "odd"}, {"kty": "RSA", "n": "AQ", "e": "AQ", "kid": "odd"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "odd"}, EC.public(alg=["ES256"], kid="odd"),
    RSA2.public(kid=["odd"]), RSA2.public(kid={}), RSA2.public(use="enc", kid="odd"),
    RSA2.public(key_ops=["encrypt"], kid="odd"), RSA2.public(key_ops=1, kid="odd"),
    RSA2.public(alg="x", kid="odd"),
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_KEYS, ids=range(len(ODD_KEYS)))
async def test_an_unusable_key_does_not_affect_the_others(
    server: Server, database: Database, odd: Any
) -> None:
    server.body = key_set(odd, RSA.public(), odd)
    own = issuer(server.url)
    assert await outcome(own, RSA.token(), database) == TAKEN
    assert await outcome(own, RSA2.token(kid="odd"), database) is INVALID


async def test_a_secret_among_the_keys_verifies_nothing(server: Server, database: Database) -> None:
    """Published keys are public, so a symmetric one is no secret."""
    secret = {"kty": "oct", "kid": "secret", "alg": "RS256", "k": urlsafe_b64encode(b"x" * 32).decode()}
    private = jwt.get_algorithm_by_name("RS256").to_jwk(RSA2.private, as_dict=True)
    private |= {"kid": "rsa2", "key_ops": ["verify"]}
    server.body = key_set(RSA.public(), secret, secret | {"alg": "HS256", "kid": "secret2"}, private)
    own = issuer(server.url)
    for kid in ("secret", "secret2"):
        token = jwt.encode(
            jwt.decode(RSA.token(), options={"verify_signature": False}), b"x" * 32, headers={"kid": kid}
        )
        assert await outcome(own, token, database) is INVALID
    assert await outcome(own, RSA2.token(), database) is INVALID
    assert await outcome(own, RSA.token(), database) == TAKEN


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")  # by the library that signs with it here
async def test_a_key_that_is_too_short_is_not_used(server: Server, database: Database) -> None:
    server.body = key_set(WEAK.public(), RSA.public())
    assert await outcome(issuer(server.url), WEAK.token(), database) is INVALID


async def test_a_key_without_an_algorithm_is_used_with_the_usual_one(
    server: Server, database: Database
) -> None:
    """Entra ID publishes such keys."""
    public = [{name: value for name, value in key.public().items() if name != "alg"} for key in (RSA, EC)]
    server.body = key_set(*public)
    own = issuer(server.url)
    assert await outcome(own, RSA.token(), database) == await outcome(own, EC.token(), database) == TAKEN


async def test_a_rotated_key_is_picked_up(server: Server, database: Database) -> None:
    own = issuer(server.url, pause=0)
    assert await outcome(own, RSA.token(), database) == TAKEN
    server.body = key_set(RSA2.public())
    assert await outcome(own, RSA2.token(), database) == TAKEN
    assert await outcome(own, RSA.token(), database) is INVALID


async def test_many_tokens_of_unknown_keys_make_one_fetch(server: Server, database: Database) -> None:
    own = issuer(server.url)
    assert await outcome(own, RSA.token(), database) == TAKEN
    own._keys._tried_at = float("-inf")  # long ago
    tokens = [RSA2.token(kid=f"k{n}") for n in range(50)]
    assert set(await gather(*(outcome(own, token, database) for token in tokens))) == {INVALID}
    assert server.fetches == 2
    assert set(await gather(*(outcome(own, token, database) for token in tokens))) == {INVALID}
    assert server.fetches == 2
    assert await outcome(own, RSA.token(), database) == TAKEN


async def test_many_tokens_at_the_start_make_one_fetch(server: Server, database: Database) -> None:
    own = issuer(server.url)
    assert set(await gather(*(outcome(own, RSA.token(), database) for _ in range(50)))) == {TAKEN}
    assert server.fetches == 1


BROKEN: list[tuple[int, dict[str, str], str | bytes]] = [
    (500, {}, key_set(RSA.public())),
    (404, {}, ""),
    (302, {"location": "/elsewhere"}, ""),
    (200, {}, ""),
    (200, {}, "<html>"),
    (200, {}, "[]"),
    (200, {}, "{}"),
    (200, {}, '{"keys": 1}'),
    (200, {}, '{"keys": []}'),
    (200, {}, key_set(RSA.public(use="enc"))),
    (200, {}, "[" * 100_000),
    (200, {}, b"\xff\xfe"),
    (200, {}, " " * 1_000_000 + key_set(RSA.public())),
    (200, {"content-length": "9999"}, key_set(RSA.public())[:-9]),
]


@pytest.mark.parametrize(("status", "headers", "body"), BROKEN)
async def test_no_token_is_accepted_until_there_are_keys(
    server: Server, database: Database, status: int, headers: dict[str, str], body: str | bytes
) -> None:
    good = server.body
    server.status, server.headers, server.body = status, headers, body
    own = issuer(server.url, pause=0)
    assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    server.status, server.headers, server.body = 200, {}, good
    assert await outcome(own, RSA.token(), database) == TAKEN


async def test_an_issuer_that_is_down_is_retried_after_a_pause(server: Server, database: Database) -> None:
    server.status = 500
    own = issuer(server.url)
    for _ in range(5):
        assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    assert server.fetches == 1


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/keys", "http://[::bad", "/nowhere/keys.json"])
async def test_a_location_without_keys_accepts_no_token(database: Database, location: str) -> None:
    assert await outcome(issuer(location), RSA.token(), database) is UNAVAILABLE


async def test_keys_stay_in_use_while_the_issuer_is_down_until_they_are_too_old(
    server: Server, database: Database
) -> None:
    own = issuer(server.url, fresh=1000, pause=0)
    assert await outcome(own, RSA.token(), database) == TAKEN
    server.status = 500
    own._keys._read_at -= 1900
    assert await outcome(own, RSA.token(), database) == TAKEN
    assert await outcome(own, RSA2.token(), database) is UNAVAILABLE  # it may be a new key
    own._keys._read_at -= 200
    assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    server.status = 200
    assert await outcome(own, RSA.token(), database) == TAKEN


async def test_no_request_waits_for_a_refresh_while_the_keys_suffice(
    server: Server, database: Database
) -> None:
    own = issuer(server.url, fresh=1000, pause=0)
    assert await outcome(own, RSA.token(), database) == TAKEN
    server.answers.clear()
    server.body = key_set(RSA2.public())
    own._keys._read_at -= 1900
    assert await outcome(own, RSA.token(), database) == TAKEN
    looking = own._keys._refreshing
    assert looking
    assert not looking.done()
    server.answers.set()
    await looking
    assert await outcome(own, RSA.token(), database) is INVALID
