"""Transactions that read documents in their declared shape."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from loaders.mongo import Database, Transaction, transaction
from loaders.reading.document_fitting import fit_read

T = TypeVar("T")


async def fitted_transaction(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Like `transaction`, but repairs the documents that it reads, as `fit` does (see Transaction.fit)."""

    async def fitted(tx: Transaction) -> T:
        tx.fit = fit_read
        return await work(tx)

    return await transaction(database, fitted)
