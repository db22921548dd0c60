"""An external issuer with its keys, and gateways that accept its tokens."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.auth.issuer import Claims, Issuer
from app.auth.keys import Keys
from app.auth.token_errors import InvalidTokenError, IssuerUnavailableError
from app.main import create_app
from app.settings import Settings
from loaders.mongo.database import Database

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
        """A token of the issuer. kid: replaces the key's own id; None omits it."""
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
    """A server at which the issuer publishes its keys, as long as it runs."""

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


def issuer(
    location: str | Path, *algorithms: str, claims: Claims = CLAIMS, leeway: float = 0, **times: float
) -> Issuer:
    algorithms = algorithms or ("RS256", "ES256")
    return Issuer(NAME, AUDIENCE, Keys(str(location), **times), algorithms, leeway, claims)


async def outcome(issuer: Issuer, token: str, database: Database) -> Any:
    """The roles of a token's viewer, or the reason why it is refused."""
    try:
        return (await issuer.viewer(token, database, "")).roles
    except InvalidTokenError:
        return INVALID
    except IssuerUnavailableError:
        return UNAVAILABLE


TAKEN, INVALID, UNAVAILABLE = frozenset(("STUDENT",)), InvalidTokenError, IssuerUnavailableError


@asynccontextmanager
async def http(settings: Settings, location: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that accepts the issuer's tokens."""
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
