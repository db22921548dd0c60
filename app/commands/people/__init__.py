"""Commands for operators about people: their accounts."""

from app.commands.people.account_changes import AccountError
from app.commands.people.accounts import account
from app.commands.people.students import student

__all__ = ["AccountError", "account", "student"]
