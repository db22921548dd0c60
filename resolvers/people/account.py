"""Resolvers for Account: its fields, and the mutation that changes its roles and status."""

from collections.abc import Sequence
from datetime import datetime

from bson import ObjectId

import loaders.accounts
from loaders.collections import COLLECTIONS
from loaders.model import AccountDoc, Document, InstructorDoc, StudentDoc
from loaders.mongo import Transaction
from resolvers.context import Context
from resolvers.errors import refusal
from resolvers.writing import InputValues, Objects


def name(account: AccountDoc) -> str:
    return loaders.accounts.display_name(account)


def status(account: AccountDoc) -> str:
    return account.get("status", "ACTIVE")


def email_verified(account: AccountDoc) -> bool:
    return account.get("emailVerifiedAt") is not None


def last_seen_at(account: AccountDoc) -> datetime | None:
    return loaders.accounts.last_seen_at(account)


async def student(accounts: Sequence[AccountDoc], ctx: Context) -> Sequence[StudentDoc | None]:
    return await ctx.loaders.student_by_id([account["studentId"] for account in accounts])


async def instructor(accounts: Sequence[AccountDoc], ctx: Context) -> Sequence[InstructorDoc | None]:
    return await ctx.loaders.instructor_by_id([account["instructorId"] for account in accounts])


async def update_account(ctx: Context, tx: Transaction, values: InputValues) -> Objects:
    account = await account_of(tx, values["accountId"])
    try:
        if "roles" in values:
            account = await loaders.accounts.set_roles(tx, account, values["roles"])
        if values.get("status") == "DEACTIVATED":
            account = await loaders.accounts.deactivate(tx, account)
        elif values.get("status") == "ACTIVE":
            account = await loaders.accounts.activate(tx, account)
    except loaders.accounts.LastStaffError:
        message = "This is the last active account with the role STAFF: give the role to another one first."
        raise refusal("CONFLICT", message) from None
    except loaders.accounts.NamesakeError as error:
        message = (
            f"The instructor {error.instructor['name']} has no account yet. Link the account to them, or"
            " create another instructor of the same name first and link it to that one."
        )
        raise refusal("CONFLICT", message, "roles") from None
    return {"account": without_secrets(account)}


async def account_of(tx: Transaction, id: ObjectId) -> AccountDoc:
    """Returns an account. Raises RefusedError if it doesn't exist."""
    account = await loaders.accounts.by_id(tx, id)
    if account is None:
        raise refusal("NOT_FOUND", "There is no account with this ID.", "accountId")
    return account


def without_secrets(account: AccountDoc) -> Document:
    """Returns an account as a payload may contain it, because payloads are stored for retries."""
    secret = COLLECTIONS["accounts"].secret
    return {name: value for name, value in account.items() if name not in secret}
