"""Creates instructors."""

from typing import cast

from loaders.model import InstructorDoc
from loaders.mongo import Transaction


async def insert(tx: Transaction, name: str) -> InstructorDoc:
    return cast("InstructorDoc", await tx.insert("instructors", {"name": name, "headline": None}))
