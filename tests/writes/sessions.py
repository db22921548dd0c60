"""A client for the mutations of sessions and passwords."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from unittest.mock import patch

import httpx
from bson import ObjectId
from starlette.types import ASGIApp

from app.main import create_app
from app.observing import Listener
from app.settings import Settings
from loaders.mongo.database import Database
from tests.support import TOKENS
from tests.writes.support import Doc, PricedExecutor, Value

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
ADDRESS = "198.51.100.7"
SESSION = (
    "accessToken refreshToken deviceToken expiresAt viewer { roles student { id name email country } } "
    "errors { code message path retryAfter } clientMutationId"
)
_SELECTED = {"signOut": "errors { code message path } clientMutationId"}
_LIMITED = "errors { code message path retryAfter }"
_SELECTED |= {
    "changePassword": f"viewer {{ roles student {{ email }} }} {_LIMITED}",
    "updateProfile": "student { bio } " + _SELECTED["signOut"],
    "requestPasswordReset": _LIMITED,
    "resendVerification": _LIMITED,
    "verifyEmail": f"viewer {{ email emailVerified }} {_LIMITED}",
    "changeEmail": f"viewer {{ email }} {_LIMITED}",
    "endSession": "viewer { sessions { id } } " + _SELECTED["signOut"],
}


@dataclass
class Gateway:
    """A client of a gateway in this process or at a URL."""

    app: ASGIApp | None = None
    url: str = "http://lectern"

    async def post(
        self,
        query: str,
        variables: Doc | None = None,
        *,
        token: str | None = None,
        address: str = ADDRESS,
        **headers: str,
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(address, 1)) if self.app else None
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        async with httpx.AsyncClient(transport=transport, base_url=self.url, timeout=60) as http:
            return await http.post(
                "/graphql", json={"query": query, "variables": variables or {}}, headers=headers
            )

    async def mutate(self, name: str, input: Doc, **options: Value) -> Doc:
        """Runs a mutation and returns its payload."""
        type_name = name[0].upper() + name[1:]
        selected = _SELECTED.get(name, SESSION)
        query = f"mutation($input: {type_name}Input!) {{ it: {name}(input: $input) {{ {selected} }} }}"
        answer = (await self.post(query, {"input": input}, **options)).json()
        assert "errors" not in answer, answer
        payload: Doc = answer["data"]["it"]
        return payload

    async def sign_up(
        self, email: str = EMAIL, password: str = PASSWORD, *, address: str = ADDRESS, **more: Value
    ) -> Doc:
        values = {"name": "Ada", "email": email, "password": password, **more}
        payload = await self.mutate("signUp", values, address=address)
        assert payload["errors"] == []
        return payload

    async def sign_in(
        self,
        email: str = EMAIL,
        password: str = PASSWORD,
        address: str = ADDRESS,
        device: str | None = None,
    ) -> Doc:
        values = {"email": email, "password": password, "deviceToken": device}
        return await self.mutate("signIn", values, address=address)

    async def refresh(self, token: str, key: str | None = None) -> Doc:
        return await self.mutate("refreshSession", {"refreshToken": token, "idempotencyKey": key})

    async def write(self, token: str) -> Doc:
        """Runs a write of a student, which requires a live session."""
        return await self.mutate("updateProfile", {"bio": "I write."}, token=token)


@asynccontextmanager
async def served(settings: Settings, *listeners: Listener) -> AsyncIterator[Gateway]:
    with patch("app.main.Executor", PricedExecutor):
        app = create_app(settings, *listeners)
    async with app.router.lifespan_context(app):
        yield Gateway(app)


async def device_id(database: Database, token: str) -> ObjectId | None:
    """Returns the device of a device token, or None if the token isn't valid for Ada's current password."""
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account is not None
    return TOKENS.read_device(token, account["passwordHash"])


def codes(payload: Doc) -> list[tuple[str, ...]]:
    """Returns the errors of a payload, each as its code and its path within the input."""
    assert all(error["path"][0] == "input" and error["message"] for error in payload["errors"])
    return [(error["code"], *error["path"][1:]) for error in payload["errors"]]
