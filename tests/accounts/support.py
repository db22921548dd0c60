"""What the tests of accounts share: a gateway that sends messages, and the links in them."""

from contextlib import suppress
from secrets import token_urlsafe
from typing import Any

from pymongo.errors import WriteError

from app.settings import Settings
from loaders import accounts
from loaders.collections import COLLECTIONS
from loaders.model import AccountDoc, TokenPurpose, shape_of
from loaders.mongo import Database, Destinations, Transaction, transaction
from loaders.outbox import EntryDoc

Doc = dict[str, Any]  # a document, as BSON holds it

#: Values that another program may have stored; `...` stands for none.
VALUES: tuple[Any, ...] = (..., None, "text", 4.5, {"a": 1}, ["a", None])


class MailingSettings(Settings):
    """The settings of a gateway that sends messages."""

    @property
    def destinations(self) -> Destinations:
        return Destinations(has_messages=True)


def mailing(settings: Settings) -> Settings:
    return MailingSettings.model_construct(**dict(settings))


async def outbox(database: Database) -> list[Doc]:
    """Returns the entries of the outbox, oldest first, and deletes them."""
    found = await database["outbox"].find().sort("_id", 1).to_list(None)
    await database["outbox"].delete_many({})
    return found


PURPOSES: dict[str, TokenPurpose] = {
    "message.verify_email": "VERIFY",
    "message.reset_password": "RESET",
    "message.change_email": "CHANGE_EMAIL",
}


async def link(database: Database, entry: Doc | EntryDoc, token: str | None = None) -> str:
    """Issues the token of the link in a message, as happens when the message is sent, and returns it."""
    text = token or token_urlsafe(32)

    async def work(tx: Transaction) -> None:
        account = await owner(tx, entry)
        assert account
        assert entry["expiresOn"]
        await accounts.issue(
            tx,
            account,
            PURPOSES[entry["kind"]],
            accounts.digest_of(text),
            entry["to"] or account["email"],
            expires_at=entry["expiresOn"],
            is_mailed=True,
        )

    await transaction(database, work)
    return text


async def owner(tx: Transaction, entry: Doc | EntryDoc) -> AccountDoc | None:
    if account_id := entry["data"]["accountId"]:
        return await accounts.by_id(tx, account_id)
    return await accounts.by_email(tx, str(entry["to"]))


def fields_of(collection: str) -> list[str]:
    document = COLLECTIONS[collection].document
    assert document
    return sorted(shape_of(document).members or {})


async def replaced(database: Database, collection: str, original: Doc, field: str, value: Any) -> Doc:
    """Puts a document with another value of a field in place of a collection's documents; returns it."""
    document = {name: kept for name, kept in original.items() if name != field}
    document |= {} if value is ... else {field: value}
    await database[collection].delete_many({})
    with suppress(WriteError):  # no array can be an `_id`
        await database[collection].insert_one(document)
    return document
