"""Tokens of an external issuer: its keys, from a server or a file, and what its claims become."""

import hashlib
import hmac
import json
from asyncio import gather
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from time import time
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from bson import ObjectId
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.auth.authentication import Authentication
from app.auth.errors import InvalidTokenError, IssuerUnavailableError
from app.auth.issuer import Claims, Issuer
from app.auth.keys import Keys
from app.main import create_app
from app.settings import Settings, SettingsError, load
from loaders.mongo import Database
from resolvers.context import Viewer
from tests import factories
from tests.support import TOKENS

NAME, AUDIENCE = "https://id.example.org", "courses"
CLAIMS = Claims("roles", {}, "sub", "oidc")
LATER = 2**40


class Key(NamedTuple):
    """A key of the issuer."""

    id: str
    algorithm: str
    private: Any

    def public(self, **more: Any) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        told: dict[str, Any] = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        told.pop("key_ops", None)
        return {**told, "kid": self.id, "alg": self.algorithm, "use": "sig", **more}

    def token(self, *, kid: str | None = "", without: str = "", **claims: Any) -> str:
        """kid: another than the key's own; None: none."""
        own = {"iss": NAME, "aud": AUDIENCE, "exp": LATER, "sub": "ada", "roles": ["student"]}
        told = {name: value for name, value in {**own, **claims}.items() if name != without}
        headers = {} if kid is None else {"kid": kid or self.id}
        return jwt.PyJWS().encode(json.dumps(told).encode(), self.private, self.algorithm, headers)


RSA = Key("rsa", "RS256", rsa.generate_private_key(65537, 2048))
RSA2 = Key("rsa2", "RS256", rsa.generate_private_key(65537, 2048))
WEAK = Key("weak", "RS256", rsa.generate_private_key(65537, 1024))  # noqa: S505 # that is what is tested
EC = Key("ec", "ES256", ec.generate_private_key(ec.SECP256R1()))


def key_set(*keys: Any) -> str:
    return json.dumps({"keys": keys})


class Server:
    """Where the issuer publishes its keys, for as long as it is up."""

    def __init__(self) -> None:
        self.body: str | bytes = key_set(RSA.public(), EC.public())
        self.status = 200
        self.headers: dict[str, str] = {}
        self.fetches = 0
        self.answers = Event()
        self.answers.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.fetches += 1
                server.answers.wait(20)
                body = server.body.encode() if isinstance(server.body, str) else server.body
                status, headers = server.status, server.headers
                if self.path == "/elsewhere":
                    body, status, headers = key_set(RSA.public()).encode(), 200, {}
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/keys"
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.answers.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def issuer(
    location: str | Path, *algorithms: str, claims: Claims = CLAIMS, leeway: float = 0, **times: float
) -> Issuer:
    algorithms = algorithms or ("RS256", "ES256")
    return Issuer(NAME, AUDIENCE, Keys(str(location), **times), algorithms, leeway, claims)


async def outcome(issuer: Issuer, token: str, database: Database) -> Any:
    """The roles of a token's viewer, or why there is none."""
    try:
        return (await issuer.viewer(token, database)).roles
    except (InvalidTokenError, IssuerUnavailableError) as error:
        return type(error)


TAKEN, INVALID, UNAVAILABLE = frozenset(("STUDENT",)), InvalidTokenError, IssuerUnavailableError


@asynccontextmanager
async def http(settings: Settings, location: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that takes the issuer's tokens."""
    own = {"oidc_issuer": NAME, "oidc_audience": AUDIENCE, "oidc_jwks": location, **more}
    app = create_app(settings.model_copy(update=own))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern") as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, token: str) -> httpx.Response:
    query = "{ viewer { roles student { name } instructor { name } } }"
    return await client.post("/graphql", json={"query": query}, headers={"authorization": f"Bearer {token}"})


# -- through HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
@pytest.mark.parametrize("of", ["url", "file"])
async def test_tokens_of_an_issuer_are_taken_beside_our_own(
    settings: Settings, database: Database, server: Server, tmp_path: Path, key: Key, of: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(server.body if isinstance(server.body, str) else "")
    async with http(settings, server.url if of == "url" else str(file)) as client:
        answer = await ask(client, key.token(name="Ada", roles=["STUDENT", "INSTRUCTOR"]))
        assert answer.json()["data"]["viewer"] == {
            "roles": ["STUDENT", "INSTRUCTOR"], "student": {"name": "Ada"}, "instructor": {"name": "Ada"},
        }  # fmt: skip
        ours = TOKENS.access(Viewer(frozenset(("STAFF",)), subject="an account")).text
        assert (await ask(client, ours)).json()["data"]["viewer"]["roles"] == ["STAFF"]
    assert server.fetches == (1 if of == "url" else 0)


async def test_a_token_that_is_not_taken_is_a_401_and_one_nobody_can_tell_of_a_503(
    settings: Settings, database: Database, server: Server
) -> None:
    async with http(settings, server.url) as client:
        answer = await ask(client, RSA.token(aud="another"))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert answer.json()["errors"][0]["message"] == "The token is not a good one of its issuer."
    server.status = 500
    async with http(settings, server.url) as client:
        answer = await ask(client, RSA.token())
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.json()["errors"][0]["extensions"] == {"code": "SERVICE_UNAVAILABLE"}
        ours = TOKENS.access(Viewer(frozenset(("STAFF",)), subject="an account")).text
        assert (await ask(client, ours)).status_code == 200
        assert (await ask(client, "garbage")).status_code == 401


def test_no_issuer_has_the_name_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ISSUER", "lectern"), ("AUDIENCE", AUDIENCE), ("JWKS", NAME)):
        monkeypatch.setenv(f"OIDC_{name}", value)
    told = "OIDC_ISSUER: takes another name: this is the issuer of Lectern's own tokens"
    with pytest.raises(SettingsError, match=f"^{told}$"):
        load()


# -- what is taken --------------------------------------------------------------------------------------


def signed_with_the_public_key() -> str:
    """HS256, with what everyone knows as the secret."""
    public = RSA.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = RSA.token().split(".")
    header = urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa","typ":"JWT"}').decode().rstrip("=")
    digest = hmac.digest(public, f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def unsigned() -> str:
    header = urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').decode().rstrip("=")
    return f"{header}.{RSA.token().split('.')[1]}."


ODD: dict[str, list[Any]] = {
    "exp": ["x", [], float("inf")],
    "sub": [1, [], {}, ""],
    "iss": [1, [NAME], {}],
}
REFUSED = {
    "signed with the public key": signed_with_the_public_key(),
    "unsigned": unsigned(),
    "of another key": RSA2.token(kid="rsa"),
    "of a key of another kind": EC.token(kid="rsa"),
    "of no key": RSA.token(kid=None),
    "of a key that is not there": RSA.token(kid="none"),
    "expired": RSA.token(exp=time() - 1),
    "not yet good": RSA.token(nbf=LATER),
    "from the future": RSA.token(iat=LATER),
    "for another audience": RSA.token(aud="another"),
    "for other audiences": RSA.token(aud=["another", "a third"]),
    "of another issuer": RSA.token(iss=NAME + "/"),
    **{f"without {name}": RSA.token(without=name) for name in ("iss", "aud", "exp", "sub")},
    **{f"{name} {value}": RSA.token(**{name: value}) for name, values in ODD.items() for value in values},
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_a_good_token_of_the_issuer_is_refused(
    server: Server, database: Database, token: str
) -> None:
    assert await outcome(issuer(server.url), token, database) is INVALID
    assert await database["students"].count_documents({}) == 0


async def test_clocks_may_differ_by_the_leeway(server: Server, database: Database) -> None:
    lenient = issuer(server.url, leeway=30)
    skewed: list[dict[str, Any]] = [{"exp": time() - 20}, {"nbf": time() + 20}, {"iat": time() + 20}]
    for times in skewed:
        assert await outcome(lenient, RSA.token(**times), database) == TAKEN
    assert await outcome(lenient, RSA.token(exp=time() - 31), database) is INVALID
    assert await outcome(lenient, RSA.token(nbf=time() + 40), database) is INVALID


async def test_one_of_a_tokens_audiences_must_be_ours(server: Server, database: Database) -> None:
    assert await outcome(issuer(server.url), RSA.token(aud=["another", AUDIENCE]), database) == TAKEN


async def test_signatures_that_are_not_asked_for_are_not_taken(server: Server, database: Database) -> None:
    only = issuer(server.url, "ES256")
    assert await outcome(only, EC.token(), database) == TAKEN
    assert await outcome(only, RSA.token(), database) is INVALID


async def test_a_token_without_a_key_id_is_taken_where_there_is_one_key(
    server: Server, database: Database
) -> None:
    server.body = key_set(RSA.public(), RSA2.public(use="enc"))
    assert await outcome(issuer(server.url), RSA.token(kid=None), database) == TAKEN


@given(st.text(alphabet=st.characters(max_codepoint=255)))
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_text_raises_anything_but_the_refusal(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(key_set(RSA.public()))
    no_database: Any = None
    authentication = Authentication(TOKENS, issuer(file), lambda: no_database)
    for header in (text, f"Bearer {text}", f"Bearer {RSA.token()[:-4]}{text}"):
        with pytest.raises(InvalidTokenError):
            await authentication.viewer(header.encode("latin-1"))


# -- keys -----------------------------------------------------------------------------------------------

ODD_KEYS: list[Any] = [
    None, "a key", 1, [], {}, {"kty": "RSA"}, {"kty": ["RSA"], "kid": "odd"}, {"kty": "oct", "kid": "odd"},
    {"kty": "RSA", "n": 1, "e": 2, "kid": "odd"}, {"kty": "RSA", "n": "AQ", "e": "AQ", "kid": "odd"},
    {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "odd"}, EC.public(alg=["ES256"], kid="odd"),
    RSA2.public(kid=["odd"]), RSA2.public(kid={}), RSA2.public(use="enc", kid="odd"),
    RSA2.public(key_ops=["encrypt"], kid="odd"), RSA2.public(key_ops=1, kid="odd"),
    RSA2.public(alg="x", kid="odd"),
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_KEYS, ids=range(len(ODD_KEYS)))
async def test_a_key_that_cant_be_used_leaves_the_others(
    server: Server, database: Database, odd: Any
) -> None:
    server.body = key_set(odd, RSA.public(), odd)
    own = issuer(server.url)
    assert await outcome(own, RSA.token(), database) == TAKEN
    assert await outcome(own, RSA2.token(kid="odd"), database) is INVALID


async def test_a_secret_among_the_keys_verifies_nothing(server: Server, database: Database) -> None:
    """Everyone has read it."""
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


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")  # by what signs with it here
async def test_a_key_that_is_too_short_is_not_used(server: Server, database: Database) -> None:
    server.body = key_set(WEAK.public(), RSA.public())
    assert await outcome(issuer(server.url), WEAK.token(), database) is INVALID


async def test_a_key_without_an_algorithm_is_for_the_usual_one(server: Server, database: Database) -> None:
    """As Entra ID publishes them."""
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
    own._keys._looked = float("-inf")  # long ago
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
async def test_without_keys_no_token_is_taken_until_there_are_some(
    server: Server, database: Database, status: int, headers: dict[str, str], body: str | bytes
) -> None:
    good = server.body
    server.status, server.headers, server.body = status, headers, body
    own = issuer(server.url, pause=0)
    assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    server.status, server.headers, server.body = 200, {}, good
    assert await outcome(own, RSA.token(), database) == TAKEN


async def test_an_issuer_that_is_down_is_asked_again_after_a_pause(
    server: Server, database: Database
) -> None:
    server.status = 500
    own = issuer(server.url)
    for _ in range(5):
        assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    assert server.fetches == 1


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/keys", "http://[::bad", "/nowhere/keys.json"])
async def test_a_location_without_keys_is_closed(database: Database, location: str) -> None:
    assert await outcome(issuer(location), RSA.token(), database) is UNAVAILABLE


async def test_keys_are_in_use_while_the_issuer_is_down_until_they_are_too_old(
    server: Server, database: Database
) -> None:
    own = issuer(server.url, fresh=1000, pause=0)
    assert await outcome(own, RSA.token(), database) == TAKEN
    server.status = 500
    own._keys._read -= 1900
    assert await outcome(own, RSA.token(), database) == TAKEN
    assert await outcome(own, RSA2.token(), database) is UNAVAILABLE  # it may be a new one
    own._keys._read -= 200
    assert await outcome(own, RSA.token(), database) is UNAVAILABLE
    server.status = 200
    assert await outcome(own, RSA.token(), database) == TAKEN


async def test_nobody_waits_for_another_look_at_keys_that_will_do(server: Server, database: Database) -> None:
    own = issuer(server.url, fresh=1000, pause=0)
    assert await outcome(own, RSA.token(), database) == TAKEN
    server.answers.clear()
    server.body = key_set(RSA2.public())
    own._keys._read -= 1900
    assert await outcome(own, RSA.token(), database) == TAKEN
    looking = own._keys._looking
    assert looking
    assert not looking.done()
    server.answers.set()
    await looking
    assert await outcome(own, RSA.token(), database) is INVALID


# -- claims ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "claims", "roles"),
    [
        ("roles", {"roles": ["student", "Staff", "unknown"]}, {"STUDENT", "STAFF"}),
        ("roles", {"roles": "student staff"}, {"STUDENT", "STAFF"}),
        ("roles", {"roles": ["teacher", "head"]}, {"INSTRUCTOR", "STAFF"}),
        ("roles", {"roles": [1, None, ["STAFF"], {"STAFF": 1}, "student"]}, {"STUDENT"}),
        ("roles", {"roles": {"STAFF": 1}}, set()),
        ("roles", {"roles": 1}, set()),
        ("roles", {"roles": None}, set()),
        ("realm_access.roles", {"realm_access": {"roles": ["STAFF"]}}, {"STAFF"}),
        ("realm_access.roles", {"realm_access": ["STAFF"]}, set()),
        ("realm_access.roles", {"roles": ["STAFF"]}, set()),
        ("https://courses.example/roles", {"https://courses.example/roles": ["STAFF"]}, {"STAFF"}),
    ],
)
async def test_roles_are_where_the_setting_says(
    server: Server, database: Database, path: str, claims: dict[str, Any], roles: set[str]
) -> None:
    names = {"teacher": "INSTRUCTOR", "head": "STAFF"}
    own = issuer(server.url, claims=Claims(path, names, "sub", "oidc"))
    assert await outcome(own, RSA.token(**claims), database) == roles


async def test_a_student_is_found_by_the_external_id(server: Server, database: Database) -> None:
    ada = factories.student("Ada", externalId={"source": "school", "id": "4711"})
    eve = factories.student("Eve", externalId={"source": "oidc", "id": "4711"})
    await database["students"].insert_many([ada, eve])
    own = issuer(server.url, claims=Claims("roles", {}, "student.number", "school"))
    for number in ("4711", 4711):
        viewer = await own.viewer(RSA.token(student={"number": number}, name="Other"), database)
        assert viewer.student_id == ada["_id"]
        assert viewer.subject == f"{NAME}|ada"
    assert await database["students"].count_documents({}) == 2


@pytest.mark.parametrize("number", [None, "", True, False, 1.5, [], ["4711"], {"id": "4711"}])
async def test_a_token_that_doesnt_say_whose_it_is_is_nobodys(
    server: Server, database: Database, number: Any
) -> None:
    """Its `sub` may be another's number."""
    own = issuer(server.url, claims=Claims("roles", {}, "number", "school"))
    assert await outcome(own, RSA.token(sub="4711", number=number), database) is INVALID
    assert await outcome(own, RSA.token(sub="4711"), database) is INVALID
    staff = RSA.token(sub="4711", number=number, roles=["staff"])
    assert await outcome(own, staff, database) == {"STAFF"}  # whoever it is
    assert await database["students"].count_documents({}) == 0


async def test_a_student_who_is_new_is_added_once(server: Server, database: Database) -> None:
    gateways = [issuer(server.url) for _ in range(8)]
    token = RSA.token(roles=["student", "instructor"], name=" <b>Ada</b>\u202e ")
    viewers = await gather(*(own.viewer(token, database) for own in gateways for _ in range(3)))
    assert len(set(viewers)) == 1
    people = {"students": viewers[0].student_id, "instructors": viewers[0].instructor_id}
    for name, known in people.items():
        (added,) = await database[name].find().to_list(None)
        assert added["_id"] == known
        assert added["name"] == "Ada"
        assert added["externalId"] == {"source": "oidc", "id": "ada"}


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (None, "Anonymous student"),
        (1, "Anonymous student"),
        (["Ada"], "Anonymous student"),
        ({}, "Anonymous student"),
        ("", "Anonymous student"),
        ("<script>", "Anonymous student"),
        ("x" * 3_000, "x" * 200),
    ],
)
async def test_a_new_student_has_a_name_that_can_be_shown(
    server: Server, database: Database, name: Any, called: str
) -> None:
    viewer = await issuer(server.url).viewer(RSA.token(name=name), database)
    assert isinstance(viewer.student_id, ObjectId)
    (added,) = await database["students"].find().to_list(None)
    assert added["name"] == called


async def test_a_student_is_looked_up_once(
    server: Server, database: Database, mongo_commands: list[str]
) -> None:
    own = issuer(server.url)
    for _ in range(3):
        await own.viewer(RSA.token(), database)
    assert mongo_commands.count("findAndModify students") == 1


async def test_a_lookup_by_an_external_id_is_by_the_index(database: Database) -> None:
    query = {"externalId.source": {"$eq": "oidc"}, "externalId.id": {"$eq": "ada"}}
    told = await database.command("explain", {"find": "students", "filter": query})
    assert "externalId.source_1_externalId.id_1" in str(told["queryPlanner"]["winningPlan"])
