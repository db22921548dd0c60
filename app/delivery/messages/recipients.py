"""Looks up who gets a message, and what its text needs, when the message is sent.

Until then, the outbox has no name, no link, and no address of an account. So a mutation does the same work
whether an account exists or not, and a person who is erased leaves nothing behind there.
"""

from collections.abc import Callable, Mapping
from typing import cast

from bson import ObjectId

from app.auth import SessionTokens
from app.delivery.messages.composing import Recipient
from app.delivery.messages.message_kinds import LINK, FieldValue
from app.settings import Settings
from loaders import accounts
from loaders.model import AccountDoc, TokenPurpose
from loaders.mongo import Database, Transaction, utc
from loaders.outbox import MESSAGE, EntryDoc, MessageKind
from loaders.reading import Loaders, fitted_transaction
from resolvers.values import email

#: What the link in a message is for.
_PURPOSES: Mapping[str, TokenPurpose] = {
    "verify_email": "VERIFY", "reset_password": "RESET", "change_email": "CHANGE_EMAIL",
}  # fmt: skip


class Recipients:
    """The people to whom messages go, and the links for them.

    settings: have the pages that links lead to. tokens, database: see app.request.Services.
    """

    def __init__(self, settings: Settings, tokens: SessionTokens, database: Callable[[], Database]) -> None:
        self._tokens, self._database = tokens, database
        self._pages: Mapping[TokenPurpose, str] = {
            "VERIFY": settings.verify_url, "CHANGE_EMAIL": settings.verify_url, "RESET": settings.reset_url,
        }  # fmt: skip

    async def of(self, entry: EntryDoc) -> Recipient | None:
        """Returns who gets a message, and what it says.

        Returns None if nobody gets it: the person is gone, has no address, or doesn't need it any more.
        """
        kind = cast("MessageKind", entry["kind"].removeprefix(MESSAGE))
        if entry["data"].get("runId"):
            return await self._about_run(entry, kind)
        account = await self._account(entry)
        if kind in _PURPOSES:
            return await self._with_link(entry, kind, account)
        address = entry["to"] or (account and account["email"])
        return _recipient(entry, kind, address, account, {"at": utc(entry["at"])})

    async def _with_link(
        self, entry: EntryDoc, kind: MessageKind, account: AccountDoc | None
    ) -> Recipient | None:
        """Returns the recipient of a link, and makes its token valid.

        Whoever uses an address that already has an account is told so, instead of getting a link.
        """
        purpose = _PURPOSES[kind]
        if account is None or not accounts.is_active(account):
            return None
        if purpose == "VERIFY" and account.get("emailVerifiedAt"):
            return None
        address = entry["to"] or account["email"]
        if purpose == "CHANGE_EMAIL" and (other := await self._account_at(address)):
            is_own = account["_id"] == other["_id"]
            return None if is_own else _recipient(entry, "address_taken", address, other, {})
        token = self._tokens.link(entry["_id"])
        until = utc(entry["expiresOn"] or entry["at"] + accounts.LINK_LASTS[purpose])

        async def issue(tx: Transaction) -> bool:
            current = await accounts.by_id(tx, account["_id"])
            if current is None or not _is_wanted(entry, purpose, address, current):
                return False
            digest = accounts.digest_of(token)
            await accounts.issue(tx, current, purpose, digest, address, expires_at=until, is_mailed=True)
            return True

        if not await fitted_transaction(self._database(), issue):
            return None
        link = self._pages[purpose].replace("{token}", token)
        return _recipient(entry, kind, address, account, {LINK: link, "until": until})

    async def _about_run(self, entry: EntryDoc, kind: MessageKind) -> Recipient | None:
        load, data = Loaders(self._database()), entry["data"]
        (student,) = await load.student_by_id([data["studentId"]])
        (run,) = await load.course_run_by_id([data["runId"]])
        (course,) = await load.course_by_id([run and run["courseId"]])
        if student is None or course is None or run is None:
            return None
        account = await self._account_at(student["email"])
        starts = utc(run["startsAt"])
        return _recipient(
            entry, kind, student["email"], account, {"course": course["title"], "starts": starts}
        )

    async def _account(self, entry: EntryDoc) -> AccountDoc | None:
        """Returns the account that a message is about: the one it names, or the one that has its address."""
        account_id: ObjectId | None = entry["data"]["accountId"]
        if account_id is None:
            return await self._account_at(entry["to"])
        return cast(
            "AccountDoc | None", (await Loaders(self._database()).by_key("accounts")([account_id]))[0]
        )

    async def _account_at(self, address: str | None) -> AccountDoc | None:
        return await accounts.find_by_email(self._database(), address) if address else None


def _is_wanted(entry: EntryDoc, purpose: TokenPurpose, address: str, account: AccountDoc) -> bool:
    """Returns whether a link may still be issued, according to its account as the transaction sees it."""
    if not accounts.is_active(account):
        return False
    if purpose == "CHANGE_EMAIL":
        return bool(entry["data"].get("secretsMark") == accounts.secrets_mark(account))
    return address == account["email"]


def _recipient(
    entry: EntryDoc,
    kind: MessageKind,
    address: str | None,
    account: AccountDoc | None,
    values: Mapping[str, FieldValue],
) -> Recipient | None:
    """Returns a recipient, or None if there is no valid address: those of imported students can be any text.

    account: that of the address, if it has one.
    """
    try:
        valid = email(address or "")
    except ValueError:
        return None
    return Recipient(valid, kind, values, entry["language"] or (account.get("language") if account else None))
