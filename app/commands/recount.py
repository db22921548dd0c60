"""The command `lectern recount`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from app.database import connect, ping
from app.invocation import lectern
from app.settings import load
from loaders import audit, people, recounting
from loaders.model import ChangeDoc, unpack_ids
from loaders.mongo import Database
from loaders.recounting import Difference

#: Maps a collection, field and remedy (what an operator can do, or None) to the number of differences.
_Tally = Mapping[tuple[str, str, str | None], int]

_LONGEST = 100  # maximum length of a shown value, in characters

_COUNTED = {"courses": "course", "courseRuns": "run", "students": "student", "reviews": "review"}


def recount(
    fix: Annotated[bool, typer.Option("--fix", help="Correct the values that differ.")] = False,
) -> None:
    """Recompute ratings, newest reviews, and counts of students, seats and votes.

    Also finds courses that still have a former slug of their category, or require a course that was deleted.
    Reports the stored values that differ, and corrects them only with --fix. It is safe to run this while the
    gateway is serving requests. Exits with 1 if any difference is left uncorrected.
    """
    if asyncio.run(_recount(Console(), fix=fix)):
        raise typer.Exit(1)


async def _recount(console: Console, *, fix: bool) -> int:
    """Prints all differences. Returns how many are left uncorrected."""
    found: Counter[tuple[str, str, str | None]] = Counter()
    async with connect(load()) as database:
        await ping(database)
        with console.status("Counting from scratch"):
            unfinished = await _merges(console, database, fix=fix)
            async for difference in recounting.recount(database, fix=fix):
                console.print(_line(difference), soft_wrap=True)
                found[difference.collection, difference.field, difference.remedy] += 1
            if fix:
                await _note(database, found)
            counted = await _counted(database)
    # Even `fix` leaves a difference with a remedy (kind[2]), because only an operator can apply the remedy.
    left = {kind: count for kind, count in found.items() if kind[2] or not fix}
    _print_summary(console, found, left, counted)
    return sum(left.values()) + unfinished


async def _note(database: Database, found: _Tally) -> None:
    """Adds to the audit log how many values were corrected, by field."""
    changes: list[ChangeDoc] = [
        {"collection": collection, "documentId": "", "before": None,
         "after": {"field": field, "corrected": count}}
        for (collection, field, remedy), count in found.items() if remedy is None
    ]  # fmt: skip
    if changes:
        await audit.note(database, "recount", changes)


async def _merges(console: Console, database: Database, *, fix: bool) -> int:
    """Finishes interrupted erasures and merges if `fix` is set. Returns how many are left unfinished."""
    if fix:
        await people.finish_erasures(database, "recount")
    erasures = await people.unfinished_erasures(database)
    if erasures:
        _say(
            console,
            f"{_number(erasures, 'unfinished erasure')}: `{lectern()} recount --fix` finishes.",
            "red",
        )
    if fix and (number := await people.finish_merges(database, "recount")):
        _say(console, f"{_number(number, 'interrupted merge')} of students finished.", "green")
    if left := await people.unfinished_merges(database):
        _say(
            console,
            f"{_number(left, 'unfinished merge')} of students: `{lectern()} recount --fix` finishes.",
            "red",
        )
    return left + erasures


def _line(difference: Difference) -> Text:
    """Formats a difference as a line: collection, id, field, stored value and correct value."""
    stored, true = _both(difference.stored, difference.true)
    return Text.assemble(
        (f"{difference.collection:<11}", "cyan"), "  ", (str(difference.id), "dim"), "  ",
        (f"{difference.field:<25}", "bold"), "  ", (stored, "red"), ", should be ", (true, "green"),
    )  # fmt: skip


def _both(stored: object, true: object) -> tuple[str, str]:
    """Formats a stored value and the correct one so that the difference is visible."""
    if isinstance(stored, bytes) and isinstance(true, bytes):
        return _reviews(stored, true), _reviews(true, stored)
    return _value(stored), _value(true)


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        return _reviews(value, b"")
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, int | float):
        return str(value)
    text = repr(value)  # repr escapes control characters in strings
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _reviews(packed: bytes, other: bytes) -> str:
    """Describes a packed list of review ids: its length, and the first id that differs from `other`."""
    ids, others = (unpack_ids(stored) for stored in (packed, other))
    place = next((n for n, id_ in enumerate(ids) if others[n : n + 1] != [id_]), None)
    count = _number(len(ids), "review")
    return count if place is None else f"{count} (no. {place + 1} is {ids[place]})"


async def _counted(database: Database) -> str:
    """Returns the sizes of the recounted collections as text: "120 courses, …"."""
    numbers = [await database[collection].estimated_document_count() for collection in _COUNTED]
    counts = [_number(count, name) for count, name in zip(numbers, _COUNTED.values(), strict=True)]
    return f"{', '.join(counts[:-1])} and {counts[-1]}"


def _print_summary(console: Console, found: _Tally, left: _Tally, counted: str) -> None:
    """Prints a summary, and advice about the differences that are left uncorrected."""
    if not found:
        _say(console, f"No differences in {counted}.", "green")
        return
    total, remaining = sum(found.values()), sum(left.values())
    summary = f"\n{_number(total, 'difference')}: {_where(found)}."
    if not left:
        _say(console, f"{summary} All were corrected.", "green")
        return
    _say(console, f"{summary} {total - remaining:,} corrected, {remaining:,} left.", "red")
    if any(remedy is None for _, _, remedy in left):
        _say(console, f"`{lectern()} recount --fix` corrects the stored values.")
    for field, remedy in dict.fromkeys((field, remedy) for _, field, remedy in left if remedy):
        _say(console, f"“{field}”: {remedy}")


def _where(found: _Tally) -> str:
    """Returns the number of differences in each collection as text: "3 in courses, 1 in reviews"."""
    counts: Counter[str] = Counter()
    for (collection, _, _), count in found.items():
        counts[collection] += count
    return ", ".join(f"{count:,} in {collection}" for collection, count in counts.items())


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def _say(console: Console, message: str, style: str = "") -> None:
    wrap = not console.is_terminal  # sentences are wrapped only in a terminal, not in a file or a pipe
    console.print(message, style=style, markup=False, highlight=False, soft_wrap=wrap)
