"""The single-use tokens of links. Only their digests are stored.

Links are mailed to an address, or printed by `lectern account`. A message can be sent more than once, with
the same token, so tokens that were used or revoked are kept until they expire.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, cast

from bson import ObjectId

from loaders.model import AccountDoc, AccountTokenDoc, TokenPurpose
from loaders.mongo import Database, Filter, Transaction, find_one, now

#: How long a mailed link is valid, from when it was asked for.
LINK_LASTS: Mapping[TokenPurpose, timedelta] = {
    "VERIFY": timedelta(days=3), "RESET": timedelta(hours=1), "CHANGE_EMAIL": timedelta(days=1),
}  # fmt: skip
#: The number of valid mailed links of an account for one purpose. There are several, so that strangers who
#: ask for links don't make those invalid that the owner has asked for.
MOST_LINKS = 3

_TOKENS = "accountTokens"


class UsedLink(NamedTuple):
    """A link that has just been used, and its account."""

    account: AccountDoc
    token: AccountTokenDoc


def digest_of(token: str) -> str:
    """Returns the digest under which a token is stored."""
    return sha256(token.encode()).hexdigest()


async def issue(
    tx: Transaction,
    account: AccountDoc,
    purpose: TokenPurpose,
    digest: str,
    email: str,
    *,
    expires_at: datetime,
    is_mailed: bool,
) -> None:
    """Makes a token valid, unless it has been issued before. Of the earlier mailed ones, the newest stay.

    Printed ones stay valid too, because everybody can have links mailed, but only an operator prints them.

    email: the address to which the link goes, or would go: the account's, or the new one for CHANGE_EMAIL.
    is_mailed: whether it goes there.

    Holds the account, so that a token isn't issued while a concurrent transaction revokes those that it sees.
    """
    if await tx.get(_TOKENS, digest):
        return
    await tx.hold("accounts", account["_id"])
    query = {"accountId": account["_id"], "purpose": purpose, "isMailed": True, "usedAt": None}
    valid = await tx.find(_TOKENS, query, size=100, limit=100, sort=[("createdAt", -1)])
    if is_mailed and (surplus := [token["_id"] for token in valid[MOST_LINKS - 1 :]]):
        await tx.set(_TOKENS, {"_id": {"$in": surplus}}, {"usedAt": tx.now})
    await tx.insert(
        _TOKENS,
        {
            "_id": digest, "purpose": purpose, "accountId": account["_id"], "email": email,
            "isMailed": is_mailed, "createdAt": tx.now, "expiresAt": expires_at, "usedAt": None,
        },
    )  # fmt: skip


async def find_token(database: Database, digest: str, *purposes: TokenPurpose) -> AccountTokenDoc | None:
    """Returns the valid token that has this digest and one of these purposes, or None."""
    found = await find_one(database[_TOKENS], _valid(digest, purposes, now()))
    return cast("AccountTokenDoc | None", found)


async def use(tx: Transaction, digest: str, *purposes: TokenPurpose) -> UsedLink | None:
    """Uses a token, which then isn't valid any more. Returns None if it isn't valid.

    A token that was issued for another address than the account's present one isn't valid, except to change
    the address.
    """
    token: AccountTokenDoc | None = await tx.find_one(_TOKENS, _valid(digest, purposes, tx.now))
    account: AccountDoc | None = await tx.get("accounts", token["accountId"]) if token else None
    if token is None or account is None or not token["email"]:
        return None
    if token["purpose"] != "CHANGE_EMAIL" and token["email"] != account["email"]:
        return None
    await tx.set(_TOKENS, {"_id": digest}, {"usedAt": tx.now})
    return UsedLink(account, token)


def secrets_mark(account: AccountDoc) -> str:
    """Returns a text that changes when an account's password or address changes.

    A change of address that was asked for before is then not carried on.
    """
    return sha256(f"{account['email']} {account['passwordHash']}".encode()).hexdigest()[:16]


async def revoke(tx: Transaction, account_id: ObjectId, *purposes: TokenPurpose) -> None:
    """Makes an account's tokens for these purposes invalid."""
    query = {"accountId": account_id, "purpose": {"$in": list(purposes)}, "usedAt": None}
    await tx.set(_TOKENS, query, {"usedAt": tx.now})


def _valid(digest: str, purposes: tuple[TokenPurpose, ...], at: datetime) -> Filter:
    of_digest: Filter = {"_id": {"$eq": digest}, "purpose": {"$in": list(purposes)}}
    return {**of_digest, "usedAt": None, "expiresAt": {"$gt": at}}
