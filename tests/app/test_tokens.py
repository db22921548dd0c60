"""The tokens of a session: which are accepted, and the errors for the others."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from time import time
from typing import Any

import httpx
import jwt
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.auth.authentication import Authentication
from app.auth.session_tokens import AUDIENCE, ISSUER, SessionTokens
from app.auth.token_errors import InvalidTokenError
from app.http.token_rejection import RejectedTokenError
from app.main import create_app
from app.settings import Settings
from loaders.mongo.database import Database
from resolvers.context import PUBLIC, RefreshToken, Viewer
from tests.support import TOKENS

KEY = TOKENS._access_key
OTHERS = SessionTokens(b"the secret of another gateway, long enough")
VIEWER = Viewer(frozenset(("STUDENT", "STAFF")), ObjectId(), ObjectId(), "an account", ObjectId())
STAFF = Viewer(frozenset(("STAFF",)), subject="an account")

NOT_OURS = "The access token was not issued by this gateway: sign in again."
NOT_A_BEARER = "The header must have the form `Authorization: Bearer <token>`."
EXPIRED = (
    "The access token has expired: call refreshSession without an Authorization header to get a new one."
)


CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": AUDIENCE, "exp": 2**40, "sub": "an account", "roles": ["STAFF"], "student": None,
    "instructor": None, "sid": None,
}  # fmt: skip


def no_database() -> Database:
    raise AssertionError


AUTHENTICATION = Authentication(TOKENS, None, no_database)


@pytest.fixture
async def http(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern") as http,
    ):
        yield http


async def asked(http: httpx.AsyncClient, authorization: str, accept: str = "*/*") -> httpx.Response:
    headers = {b"authorization": authorization.encode("latin-1"), b"accept": accept.encode()}
    return await http.post("/graphql", json={"query": "{ viewer { roles } }"}, headers=headers)


def signed(key: bytes = KEY, algorithm: str = "HS256", *, without: str = "", **claims: Any) -> str:
    """A token made by hand: PyJWT makes none with a claim of a wrong type."""
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if name != without}
    return jwt.PyJWS().encode(json.dumps(told).encode(), key, algorithm)


def unsigned(payload: bytes, header: bytes = b'{"alg":"none","typ":"JWT"}') -> str:
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (header, payload, b""))


def tampered() -> str:
    """A token signed for a student, changed to be that of staff."""
    header, _, signature = signed(roles=["STUDENT"]).split(".")
    return ".".join((header, signed().split(".")[1], signature))


def ago(seconds: float) -> float:
    return time() - seconds


async def test_an_access_token_identifies_its_viewer(http: httpx.AsyncClient) -> None:
    assert TOKENS.viewer(TOKENS.access(VIEWER).text) == VIEWER
    for scheme in ("Bearer ", "bearer ", "BEARER   "):
        answer = await asked(http, scheme + TOKENS.access(STAFF).text)
        assert answer.json() == {"data": {"viewer": {"roles": ["STAFF"]}}}


async def test_gateways_with_one_secret_accept_each_others_tokens_though_their_clocks_differ() -> None:
    ahead = signed(iat=ago(-90))
    assert TOKENS.viewer(ahead) == STAFF


ODD: dict[str, list[Any]] = {
    "roles": ["STAFF", None, 1, ["OWNER"], [["STAFF"]], [None], {"a": 1}],
    "student": [1, "x", [], {}, True, "0" * 23, ""],
    "instructor": [1, "x"],
    "sid": [1.5, "x"],
    "exp": ["x", [], {}, float("inf"), float("nan")],
    "aud": [1, {}, [1]],
    "sub": [1, {}, []],
}
REFUSED: list[tuple[str, str, str]] = [
    ("expired", f"Bearer {signed(exp=ago(1))}", EXPIRED),
    ("expired, and of another", f"Bearer {signed(OTHERS._access_key, exp=ago(1))}", NOT_OURS),
    ("expired, for another audience", f"Bearer {signed(exp=ago(1), aud='another')}", NOT_OURS),
    ("expired, of another issuer", f"Bearer {signed(exp=ago(1), iss='https://id.example')}", NOT_OURS),
    ("expired, and not yet valid", f"Bearer {signed(exp=ago(1), nbf=2**40)}", NOT_OURS),
    ("expired, with another role", f"Bearer {signed(exp=ago(1), roles=['OWNER'])}", NOT_OURS),
    ("expired, without a session's claim", f"Bearer {signed(exp=ago(1), without='sid')}", NOT_OURS),
    ("wrong key", f"Bearer {OTHERS.access(STAFF).text}", NOT_OURS),
    ("the key of refresh tokens", f"Bearer {signed(TOKENS._refresh_key)}", NOT_OURS),
    ("a refresh token", f"Bearer {TOKENS.refresh(RefreshToken(ObjectId(), 0))}", NOT_OURS),
    ("alg none", f"Bearer {unsigned(b'{}')}", NOT_OURS),
    ("alg none, right claims", f"Bearer {unsigned(json.dumps(CLAIMS).encode())}", NOT_OURS),
    ("another algorithm", f"Bearer {signed(algorithm='HS512', key=KEY * 2)}", NOT_OURS),
    ("wrong audience", f"Bearer {signed(aud='another')}", NOT_OURS),
    ("wrong issuer", f"Bearer {signed(iss='https://id.example')}", NOT_OURS),
    ("not yet", f"Bearer {signed(nbf=2**40)}", NOT_OURS),
    ("tampered", f"Bearer {tampered()}", NOT_OURS),
    ("garbage", "Bearer garbage", NOT_OURS),
    ("dots", "Bearer ..", NOT_OURS),
    ("not base64", "Bearer é.ü.ß", NOT_OURS),
    ("not JSON", f"Bearer {unsigned(b'', b'{')}", NOT_OURS),
    ("a deep header", f"Bearer {unsigned(b'', b'[' * 5_000)}", NOT_OURS),
    ("a deep payload", f"Bearer {unsigned(b'[' * 5_000)}", NOT_OURS),
    ("overlong", f"Bearer {'x' * 8_001}", NOT_A_BEARER),
    ("no token", "Bearer", NOT_A_BEARER),
    ("no token but a space", "Bearer ", NOT_A_BEARER),
    ("nothing", "", NOT_A_BEARER),
    ("wrong scheme", "Basic YWRhOmFkYQ==", NOT_A_BEARER),
    ("wrong scheme, right token", f"Token {signed()}", NOT_A_BEARER),
    ("no scheme", signed(), NOT_A_BEARER),
    *((f"without {name}", f"Bearer {signed(without=name)}", NOT_OURS)
      for name in ("iss", "aud", "exp", "sub", "roles", "student", "instructor", "sid")),
    *((f"{name}: {value!r}", f"Bearer {signed(**{name: value})}", NOT_OURS)
      for name, values in ODD.items() for value in values),
]  # fmt: skip


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_an_invalid_token_gets_a_401_that_says_why(http: httpx.AsyncClient, accept: str) -> None:
    for what, authorization, message in REFUSED:
        answer = await asked(http, authorization, accept)
        assert answer.status_code == 401, what
        challenge = f'Bearer error="invalid_token", error_description="{message}"'
        assert answer.headers["www-authenticate"] == challenge, what
        assert answer.headers["content-type"] == f"{accept}; charset=utf-8", what
        code = "TOKEN_EXPIRED" if message == EXPIRED else "UNAUTHENTICATED"
        assert answer.json() == {"errors": [{"message": message, "extensions": {"code": code}}]}, what


def test_a_challenge_has_only_the_characters_that_rfc_6750_allows() -> None:
    headers = RejectedTokenError(InvalidTokenError('no `é"\\\n\x7f` claim')).headers or {}
    assert headers["www-authenticate"].endswith(f'description="no `{chr(39) * 5}` claim"')


async def test_without_a_token_the_viewer_is_the_public(http: httpx.AsyncClient) -> None:
    assert await AUTHENTICATION.viewer(None) is PUBLIC
    answer = await http.post("/graphql", json={"query": "{ viewer { roles } }"})
    assert answer.json() == {"data": {"viewer": None}}


@given(st.binary() | st.binary().map(lambda rest: b"Bearer " + rest))
async def test_any_header_raises_only_the_refusal(header: bytes) -> None:
    with pytest.raises(InvalidTokenError):
        await AUTHENTICATION.viewer(header)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)
NAMES = ("iss", "aud", "exp", "nbf", "iat", "sub", "jti", "roles", "student", "instructor", "sid")


@given(st.sampled_from(NAMES), JSON)
async def test_a_claim_of_a_wrong_type_raises_only_the_refusal(name: str, value: Any) -> None:
    try:
        viewer = TOKENS.viewer(signed(**{name: value}))
    except InvalidTokenError:
        return
    assert isinstance(viewer.subject, str)
    assert viewer.roles <= {"STUDENT", "INSTRUCTOR", "STAFF"}


SESSIONS = st.binary(min_size=12, max_size=12).map(ObjectId)


@given(SESSIONS, st.integers(0, 2**32 - 1))
def test_a_refresh_token_is_read_unchanged_with_its_secret(session_id: ObjectId, generation: int) -> None:
    token = RefreshToken(session_id, generation)
    text = TOKENS.refresh(token)
    assert TOKENS.read_refresh(text) == token
    assert text.isascii()
    assert OTHERS.read_refresh(text) is None


@given(SESSIONS, st.integers(0, 39), st.integers(1, 255))
def test_a_changed_refresh_token_is_refused(session_id: ObjectId, at: int, by: int) -> None:
    raw = bytearray(urlsafe_b64decode(TOKENS.refresh(RefreshToken(session_id, 3))))
    raw[at] ^= by
    assert TOKENS.read_refresh(urlsafe_b64encode(raw).decode()) is None
    assert TOKENS.read_refresh(urlsafe_b64encode(raw[:at]).decode()) is None


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_not_a_refresh_token(text: str) -> None:
    assert TOKENS.read_refresh(text) is None
