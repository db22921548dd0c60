"""`lectern recount`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from app.database import connect, ping
from app.settings import load
from loaders import recount as recounting
from loaders.model import unpack_ids
from loaders.mongo import Database
from loaders.recount import Difference

#: How many differences there are, by collection, field and remedy.
_Tally = Mapping[tuple[str, str, str | None], int]

_COUNTED = {"courses": "course", "courseRuns": "run", "students": "student", "reviews": "review"}


def recount(
    fix: Annotated[bool, typer.Option("--fix", help="Set what differs to what it should be.")] = False,
) -> None:
    """Count ratings, students, seats, votes and newest reviews from scratch, and tell what differs.

    It can run while the gateway serves. The exit code is 1 when something is wrong and was not mended.
    """
    if asyncio.run(_recount(Console(), fix=fix)):
        raise typer.Exit(1)


async def _recount(console: Console, *, fix: bool) -> int:
    """How many differences are left."""
    found: Counter[tuple[str, str, str | None]] = Counter()
    async with connect(load()) as database:
        await ping(database)
        with console.status("Counting from scratch"):
            async for difference in recounting.recount(database, fix=fix):
                console.print(_line(difference), soft_wrap=True)
                found[difference.collection, difference.field, difference.remedy] += 1
            counted = await _counted(database)
    left = {kind: count for kind, count in found.items() if kind[2] or not fix}
    _close(console, found, left, counted)
    return sum(left.values())


def _line(difference: Difference) -> Text:
    """Collection, id, field, what is stored and what it should be."""
    stored, true = _both(difference.stored, difference.true)
    return Text.assemble(
        (f"{difference.collection:<11}", "cyan"), "  ", (str(difference.id), "dim"), "  ",
        (f"{difference.field:<25}", "bold"), "  ", (stored, "red"), ", should be ", (true, "green"),
    )  # fmt: skip


def _both(stored: Any, true: Any) -> tuple[str, str]:
    """Two values, so that one sees how they differ."""
    if isinstance(stored, bytes) and isinstance(true, bytes):
        return _reviews(stored, true), _reviews(true, stored)
    return _value(stored), _value(true)


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        return _reviews(value, b"")
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    return str(value)


def _reviews(packed: bytes, other: bytes) -> str:
    """How many reviews these are, and the first that the others don't have in its place."""
    ids, others = (unpack_ids(stored) for stored in (packed, other))
    place = next((n for n, own in enumerate(ids) if others[n : n + 1] != [own]), None)
    count = _number(len(ids), "review")
    return count if place is None else f"{count} (no. {place + 1} is {ids[place]})"


async def _counted(database: Database) -> str:
    """What there is: "120 courses, …"."""
    numbers = [await database[collection].estimated_document_count() for collection in _COUNTED]
    counts = [_number(count, name) for count, name in zip(numbers, _COUNTED.values(), strict=True)]
    return f"{', '.join(counts[:-1])} and {counts[-1]}"


def _close(console: Console, found: _Tally, left: _Tally, counted: str) -> None:
    """A sentence that sums it up, and what can be done about what is left."""
    if not found:
        _say(console, f"No difference in {counted}.", "green")
        return
    total, remaining = sum(found.values()), sum(left.values())
    told = f"\n{_number(total, 'difference')}: {_where(found)}."
    if not left:
        _say(console, f"{told} All are mended.", "green")
        return
    _say(console, f"{told} {total - remaining:,} mended, {remaining:,} left.", "red")
    if any(remedy is None for _, _, remedy in left):
        _say(console, "`lectern recount --fix` sets what is stored to what it should be.")
    for field, remedy in dict.fromkeys((field, remedy) for _, field, remedy in left if remedy):
        _say(console, f"“{field}”: {remedy}")


def _where(found: _Tally) -> str:
    """ "3 in courses, 1 in reviews"."""
    counts: Counter[str] = Counter()
    for (collection, _, _), count in found.items():
        counts[collection] += count
    return ", ".join(f"{count:,} in {collection}" for collection, count in counts.items())


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def _say(console: Console, message: str, style: str = "") -> None:
    wrap = not console.is_terminal  # elsewhere a sentence is a line
    console.print(message, style=style, markup=False, highlight=False, soft_wrap=wrap)
