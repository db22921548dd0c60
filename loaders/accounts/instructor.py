"""Instructors."""

from typing import Any

from loaders.model import InstructorDoc
from loaders.mongo import Transaction


async def insert(tx: Transaction, name: str) -> InstructorDoc:
    instructor: Any = await tx.insert("instructors", {"name": name, "headline": None})
    return instructor  # type: ignore[no-any-return]
