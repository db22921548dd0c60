"""Keeps the last account of staff from losing its role or being deactivated."""

from loaders.accounts.account import is_active
from loaders.model import AccountDoc
from loaders.mongo import Filter, Transaction


class LastStaffError(Exception):
    """The account is the only active one with the role STAFF, so it can't lose the role or be deactivated."""


async def require_other_staff(tx: Transaction, account: AccountDoc) -> None:
    """Call before an account loses the role STAFF, or is deactivated or deleted.

    Raises LastStaffError if no other active account has the role. Does nothing if the account isn't active
    staff itself. Holds the other account, so that two accounts that rely on each other can't both lose the
    role at the same time.
    """
    if "STAFF" not in account["roles"] or not is_active(account):
        return
    others: Filter = {
        "roles": "STAFF", "status": {"$in": [None, "ACTIVE"]}, "_id": {"$ne": account["_id"]},
    }  # fmt: skip
    other = await tx.find_one("accounts", others, projection={"_id": 1})
    if other is None:
        raise LastStaffError
    await tx.hold("accounts", other["_id"])
