"""The identities that send requests: each that the table distinguishes, and invalid tokens."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

import jwt

from resolvers.access.rules import Rule
from resolvers.context import Viewer
from tests.permissions.world import Document, Value, accounts, sessions
from tests.support import TOKENS

#: Identity -> its column of the table, and whether the objects under test belong to it.
ROLES: Mapping[str, tuple[str, bool]] = {
    "anonymous": ("public", False),
    "student": ("student", True),
    "other student": ("student", False),
    "instructor": ("instructor", True),
    "other instructor": ("instructor", False),
    "staff": ("staff", False),
}


def is_granted(identity: str, rule: Rule) -> bool:
    """Whether the table grants a permission to an identity."""
    column, owns = ROLES[identity]
    grant = getattr(rule, column)
    return grant == "yes" or (grant == "own" and owns)


def _viewer(identity: str) -> Viewer:
    account = accounts[identity]
    return Viewer(
        roles=frozenset(account["roles"]),
        student_id=account["studentId"],
        instructor_id=account["instructorId"],
        subject=str(account["_id"]),
        session_id=sessions[identity]["_id"],
    )


def token(
    identity: str, *, key: bytes | None = TOKENS._access_key, algorithm: str = "HS256", **claims: Value
) -> str:
    """Returns an access token of an identity with some of its claims, its key or its algorithm replaced."""
    text = TOKENS.access(_viewer(identity), lasts=timedelta(hours=1)).text
    valid: Document = jwt.decode(text, options={"verify_signature": False})
    return jwt.encode(valid | claims, key, algorithm)  # type: ignore[arg-type] # alg none has no key


#: Invalid tokens, which would be staff's if they were valid.
REFUSED: Mapping[str, str] = {
    "expired": token("staff", exp=datetime.now(UTC) - timedelta(seconds=1)),
    "wrong key": token("staff", key=b"k" * 32),
    "alg none": token("staff", key=None, algorithm="none"),
    "wrong audience": token("staff", aud="others"),
    "wrong issuer": token("staff", iss="https://id.example.org"),
}


@cache
def token_of(identity: str) -> str | None:
    """Returns the token of an identity; None for an anonymous request."""
    if identity == "anonymous":
        return None
    return REFUSED.get(identity) or token(identity)
