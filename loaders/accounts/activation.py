"""Deactivates accounts, and activates them again. Nobody can sign in to a deactivated account."""

from loaders import outbox
from loaders.accounts.account import change, end_sessions, is_active
from loaders.accounts.account_tokens import revoke
from loaders.accounts.staff import require_other_staff
from loaders.model import AccountDoc
from loaders.mongo import Transaction


async def deactivate(tx: Transaction, account: AccountDoc, *, even_last_staff: bool = False) -> AccountDoc:
    """Deactivates an account. Ends its sessions, makes the links invalid that were sent to it, and
    tells its owner.

    Raises LastStaffError, unless `even_last_staff` is set, if the account is the last of staff.
    """
    if not is_active(account):
        return account
    if not even_last_staff:
        await require_other_staff(tx, account)
    changed = await change(tx, account, status="DEACTIVATED", reset=None)
    await end_sessions(tx, account["_id"])
    outbox.send(tx, outbox.Message("account_deactivated", account_id=account["_id"]))
    await revoke(tx, account["_id"], "VERIFY", "RESET", "CHANGE_EMAIL")
    return changed


async def activate(tx: Transaction, account: AccountDoc) -> AccountDoc:
    """Activates an account again. Its owner can sign in with the same password as before."""
    return account if is_active(account) else await change(tx, account, status="ACTIVE")
