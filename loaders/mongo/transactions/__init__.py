"""Transactions: what they can do, how they are run, and how stale ones are aborted."""

from loaders.mongo.transactions.attempts import transaction
from loaders.mongo.transactions.stale_transactions import APP_NAME, StaleTransactions
from loaders.mongo.transactions.transaction_commands import Change, Transaction

__all__ = ["APP_NAME", "Change", "StaleTransactions", "Transaction", "transaction"]
