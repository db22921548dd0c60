"""Tokens of an external issuer: verified by its keys, its claims mapped to a viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import jwt
from bson import ObjectId

from app.auth.keys import Keys
from app.auth.token_errors import InvalidTokenError
from loaders.accounts import instructor_of, student_of
from loaders.model import Role
from loaders.mongo import Database
from resolvers.context import Viewer
from resolvers.writing import clean

_ROLES = frozenset(get_args(Role))
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Claims:
    """Where a token says what. roles: a path, such as "realm_access.roles". names: from the issuer's roles to
    Lectern's, where they differ. student, source: the claim that has a student's external id, and that id's
    source in the database.
    """

    roles: str
    names: Mapping[str, str]
    student: str
    source: str


class Issuer:
    """An external issuer."""

    def __init__(
        self, name: str, audience: str, keys: Keys, algorithms: Sequence[str], leeway: float, claims: Claims
    ) -> None:
        self.name = name
        self._audience = audience
        self._keys = keys
        self._algorithms = list(algorithms)
        self._leeway = leeway
        self._claims = claims
        self._people: dict[tuple[str, str], ObjectId] = {}

    async def viewer(self, token: str, database: Database) -> Viewer:
        """Whose token it is. A student who is seen for the first time is added.

        Raises InvalidTokenError, IssuerUnavailableError.
        """
        claims = await self._verified(token)
        roles = self._roles(claims)

        async def person(role: str) -> ObjectId | None:
            return await self._person(role, claims, database) if role in roles else None

        return Viewer(
            roles=roles,
            student_id=await person("STUDENT"),
            instructor_id=await person("INSTRUCTOR"),
            subject=f"{self.name}|{claims['sub']}",
        )

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._algorithms:  # before a key is looked for
                raise InvalidTokenError("The token is signed with an algorithm that isn't taken.")
            claims: dict[str, Any] = jwt.decode(
                token,
                await self._keys.key(header.get("kid")),
                self._algorithms,
                audience=self._audience,
                issuer=self.name,
                leeway=self._leeway,
                options={"require": ["exp", "sub"], "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError("The token has expired.") from None
        except jwt.PyJWTError:
            raise InvalidTokenError("The token is not a good one of its issuer.") from None
        return claims

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        told = _at(claims, self._claims.roles)
        names = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        mapped = {self._claims.names.get(name, name.upper()) for name in names if isinstance(name, str)}
        return frozenset(mapped & _ROLES)

    async def _person(self, role: str, claims: Mapping[str, Any], database: Database) -> ObjectId:
        external = self._external_id(claims)
        if (role, external) not in self._people:
            find = student_of if role == "STUDENT" else instructor_of
            name = claims.get("name")
            called = clean(name) if isinstance(name, str) else ""
            if len(self._people) >= _MOST_REMEMBERED:
                self._people.clear()
            self._people[role, external] = await find(database, self._claims.source, external, called)
        return self._people[role, external]

    def _external_id(self, claims: Mapping[str, Any]) -> str:
        """What the claim for it has, and never another: one's `sub` may be another's external id."""
        told = _at(claims, self._claims.student)
        if isinstance(told, int) and not isinstance(told, bool):
            told = str(told)
        if not isinstance(told, str) or not told:
            raise InvalidTokenError(f"The token doesn't say whose it is: its claim {self._claims.student}.")
        return told


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """What is at a path; a claim whose own name has dots goes first."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
