"""Verifies tokens with the keys of the external issuer, and maps the tokens' claims to viewers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeAlias, get_args

import jwt
from bson import ObjectId

from app.auth.keys import Keys
from app.auth.token_errors import ExpiredTokenError, InvalidTokenError
from loaders.accounts import ExternalPerson, instructor_of, student_of
from loaders.model import Role
from loaders.mongo import Database
from resolvers.context import Viewer
from resolvers.values import clean

_Json: TypeAlias = Any  # a claim can have any JSON value

_ROLES = frozenset(get_args(Role))
_MAX_CACHED_PEOPLE = 10_000
#: Seconds for which a person's id is cached. Another process may have merged or erased the person since.
CACHED_FOR = 10.0
_INVALID = "The external issuer's token is not valid."


@dataclass(frozen=True, slots=True)
class Claims:
    """Where to find the viewer's roles and external id in a token.

    roles: the path of the claim that contains the roles, such as "realm_access.roles". names: maps the
    issuer's role names to Lectern's where they differ. student: the path of the claim that contains the
    external id of the student or instructor. source: the `source` stored in the database with these external
    ids.
    """

    roles: str
    names: Mapping[str, str]
    student: str
    source: str


class Issuer:
    """An external issuer of access tokens.

    name: the `iss` claim of its tokens. leeway: seconds of clock skew to tolerate.
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
        self._people: dict[tuple[str, str], tuple[ObjectId, float]] = {}  # until a time.monotonic() time

    async def viewer(self, token: str, database: Database, address: str) -> Viewer:
        """Returns the viewer for a token.

        A student or instructor who isn't in the database yet is added to it. address: the network address of
        the request, for the audit log.

        Raises InvalidTokenError or IssuerUnavailableError.
        """
        claims = await self._verified(token)
        roles, subject = self._roles(claims), f"{self.name}|{claims['sub']}"

        async def person(role: str) -> ObjectId | None:
            if role not in roles:
                return None
            external_id = self._external_id(claims)
            signed_in = ExternalPerson(
                self._claims.source, external_id, _display_name(claims), subject, roles, address
            )
            return await self._person(role, signed_in, database)

        return Viewer(
            roles=roles,
            student_id=await person("STUDENT"),
            instructor_id=await person("INSTRUCTOR"),
            subject=subject,
        )

    async def _verified(self, token: str) -> dict[str, _Json]:
        """Verifies a token and returns its claims.

        Raises ExpiredTokenError, InvalidTokenError or IssuerUnavailableError.
        """
        try:
            header = jwt.get_unverified_header(token)
            # Checked first, so that no key is fetched for a token that is refused anyway.
            if header.get("alg") not in self._algorithms:
                raise InvalidTokenError("The token is signed with an algorithm that isn't accepted.")
            key = await self._keys.key(header.get("kid"))
            try:
                return self._claims_in(token, key)
            except jwt.ExpiredSignatureError:
                self._claims_in(token, key, verify_exp=False)  # PyJWT checks the age before the rest
                raise ExpiredTokenError("The token has expired.") from None
        except jwt.PyJWTError:
            raise InvalidTokenError(_INVALID) from None

    def _claims_in(self, token: str, key: jwt.PyJWK, *, verify_exp: bool = True) -> dict[str, _Json]:
        """Returns a token's claims. Raises PyJWTError or InvalidTokenError."""
        claims: dict[str, _Json] = jwt.decode(
            token,
            key,
            self._algorithms,
            audience=self._audience,
            issuer=self.name,
            leeway=self._leeway,
            options={"require": ["exp", "sub"], "enforce_minimum_key_length": True, "verify_exp": verify_exp},
        )
        if not _is_unicode(claims):  # neither MongoDB nor an answer could hold them
            raise InvalidTokenError(_INVALID)
        return claims

    def _roles(self, claims: Mapping[str, _Json]) -> frozenset[str]:
        """Returns the roles that a token grants. Ignores roles that Lectern doesn't have.

        The roles claim is a list or a space-separated string.
        """
        claim = _at(claims, self._claims.roles)
        names = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
        mapped = {self._claims.names.get(name, _upper(name)) for name in names if isinstance(name, str)}
        return frozenset(mapped & _ROLES)

    async def _person(self, role: str, person: ExternalPerson, database: Database) -> ObjectId:
        """Returns the id of a person's student or instructor. Ids are cached for a few seconds."""
        key = role, person.id
        cached, until = self._people.get(key, (None, 0.0))
        if cached is not None and monotonic() < until:
            return cached
        find = student_of if role == "STUDENT" else instructor_of
        found = await find(database, person)
        if len(self._people) >= _MAX_CACHED_PEOPLE:
            self._people.clear()
        self._people[key] = found, monotonic() + CACHED_FOR
        return found

    def _external_id(self, claims: Mapping[str, _Json]) -> str:
        """Returns the external id in a token's claims. Raises InvalidTokenError if the claim is missing.

        There is no fallback to another claim, because one person's `sub` might be another person's external
        id.
        """
        claim = _at(claims, self._claims.student)
        if isinstance(claim, int) and not isinstance(claim, bool):
            claim = str(claim)
        if not isinstance(claim, str) or not claim:
            raise InvalidTokenError(
                f"The token doesn't identify its user: it has no `{self._claims.student}` claim."
            )
        return claim


def _display_name(claims: Mapping[str, _Json]) -> str | None:
    name = claims.get("name")
    return clean(name) if isinstance(name, str) else None


def _upper(name: str) -> str:
    """Returns the upper case of an ASCII name, and any other name unchanged.

    Unicode's upper case of a name with a long s, U+017F, could be STAFF too.
    """
    return name.upper() if name.isascii() else name


def _is_unicode(claims: Mapping[str, _Json]) -> bool:
    """Returns whether the claims are valid Unicode. JSON can escape half of a surrogate pair (`\\ud800`)."""
    try:
        json.dumps(claims, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _at(claims: Mapping[str, _Json], path: str) -> _Json:
    """Returns the value at a dotted path in a token's claims.

    A claim whose name is the entire path takes precedence.
    """
    if path in claims:
        return claims[path]
    value: _Json = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
