"""The parser for ids of entries of the outbox."""

import typer
from bson import ObjectId


def entry_id(value: str) -> ObjectId:
    if not ObjectId.is_valid(value):
        raise typer.BadParameter(f"'{value}' is not an id, which has 24 hexadecimal digits.")
    return ObjectId(value)
