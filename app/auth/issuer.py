"""Tokens of an external issuer: verified with its keys, and their claims mapped to a viewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

import jwt
from bson import ObjectId

from app.auth.keys import Keys
from app.auth.token_errors import InvalidTokenError
from loaders.accounts import instructor_of, student_of
from loaders.model import Role
from loaders.mongo import Database
from resolvers.context import Viewer
from resolvers.values import clean

_Json: TypeAlias = Any  # whatever the issuer puts into a claim

_ROLES = frozenset(get_args(Role))
_MAX_CACHED_PEOPLE = 10_000


@dataclass(frozen=True, slots=True)
class Claims:
    """Where to find the viewer's roles and external id in a token.

    roles: the path of the roles, such as "realm_access.roles". names: maps the issuer's role names to
    Lectern's where they differ. student: the path of the student's or instructor's external id. source: the
    source of these ids in the database.
    """

    roles: str
    names: Mapping[str, str]
    student: str
    source: str


class Issuer:
    """An external issuer of access tokens.

    name: the `iss` of its tokens. leeway: seconds of clock skew to tolerate.
    """

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
        """The viewer for a token. A student or instructor without a record in the database is added.

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

    async def _verified(self, token: str) -> dict[str, _Json]:
        """The claims of a token. Raises InvalidTokenError, IssuerUnavailableError."""
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._algorithms:  # checked before a key is fetched
                raise InvalidTokenError("The token is signed with an algorithm that isn't accepted.")
            claims: dict[str, _Json] = jwt.decode(
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
            raise InvalidTokenError("The token is not valid for its issuer.") from None
        return claims

    def _roles(self, claims: Mapping[str, _Json]) -> frozenset[str]:
        """Lectern's roles among those in the claim: a list, or a string separated by spaces."""
        claim = _at(claims, self._claims.roles)
        names = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        mapped = {self._claims.names.get(name, name.upper()) for name in names if isinstance(name, str)}
        return frozenset(mapped & _ROLES)

    async def _person(self, role: str, claims: Mapping[str, _Json], database: Database) -> ObjectId:
        """The id of the student or instructor that a token belongs to, cached."""
        external = self._external_id(claims)
        if (role, external) not in self._people:
            find = student_of if role == "STUDENT" else instructor_of
            name = claims.get("name")
            display_name = clean(name) if isinstance(name, str) else ""
            if len(self._people) >= _MAX_CACHED_PEOPLE:
                self._people.clear()
            self._people[role, external] = await find(database, self._claims.source, external, display_name)
        return self._people[role, external]

    def _external_id(self, claims: Mapping[str, _Json]) -> str:
        """The external id in its claim.

        No other claim is a fallback: one person's `sub` may be another person's external id.
        """
        claim = _at(claims, self._claims.student)
        if isinstance(claim, int) and not isinstance(claim, bool):
            claim = str(claim)
        if not isinstance(claim, str) or not claim:
            raise InvalidTokenError(f"The token doesn't identify its user: no claim {self._claims.student}.")
        return claim


def _at(claims: Mapping[str, _Json], path: str) -> _Json:
    """The value at a dotted path. A claim that has the whole path as its name takes precedence."""
    if path in claims:
        return claims[path]
    value: _Json = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
