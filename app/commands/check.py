"""The command `lectern check`."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import orjson
import typer
from bson import ObjectId
from rich.console import Console
from rich.text import Text

from app.database import connect, ping
from app.invocation import lectern
from app.settings import load
from loaders import problems
from loaders.collections import COLLECTIONS, StoredCollection
from loaders.model import UNFIT, shape_of
from loaders.mongo import Database, Value
from loaders.problems import Misfit, MisfitKind
from loaders.reading import NOWHERE, default_of

_SHOWN = 5  # maximum number of ids shown for each kind of problem
_LONGEST = 100  # maximum length of a shown `_id`, in characters


class _Kind(NamedTuple):
    """A kind of problem. All problems of a kind are shown together."""

    collection: str
    path: str
    reason: str
    kind: MisfitKind


def check(
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Print a line for every problem, instead of only the first ids of each kind."
        ),
    ] = False,
) -> None:
    """List the documents that don't fit the data model: their ids, what is wrong, and what to do about it.

    Finds missing fields, wrong types, values out of range, references that lead nowhere, derived values that
    don't match the fields they are computed from, and e-mail addresses that several students share. Reads
    every document and writes nothing, so it is safe to run while the gateway is serving requests. Exits with
    1 if anything is found. To check ratings and counts, use `lectern recount`.
    """
    if asyncio.run(_check(Console(), every=every)):
        raise typer.Exit(1)


async def _check(console: Console, *, every: bool) -> int:
    """Prints the problems that are found, and returns how many there are."""
    counts: Counter[_Kind] = Counter()
    ids: Mapping[_Kind, list[str]] = defaultdict(list)
    async with connect(load()) as database:
        await ping(database)
        with console.status("Reading every document"):
            async for misfit in problems.misfits(database):
                kind = _Kind(misfit.collection, misfit.path, misfit.reason, misfit.kind)
                counts[kind] += 1
                if every:
                    console.print(_line(misfit), soft_wrap=True)
                elif counts[kind] <= _SHOWN:
                    ids[kind].append(_written(misfit.id))
            total = await _total(database)
    for kind, count in sorted(counts.items()):
        _print_kind(console, kind, count, ids.get(kind, []))
    _print_summary(console, counts, total)
    return sum(counts.values())


def _line(misfit: Misfit) -> Text:
    return Text.assemble(
        (f"{misfit.collection:<11}", "cyan"), "  ", (_written(misfit.id), "dim"), "  ",
        (misfit.path, "bold"), " ", misfit.reason,
    )  # fmt: skip


def _print_kind(console: Console, kind: _Kind, count: int, ids: list[str]) -> None:
    more = f" and {count - len(ids):,} more" if ids and count > len(ids) else ""
    head = Text.assemble(
        (kind.collection, "cyan"), ": ", (kind.path, "bold"), f" {kind.reason}", f" ({count:,})"
    )
    console.print(head, soft_wrap=True)
    for text in (*([f"{', '.join(ids)}{more}"] if ids else ()), _advice(kind)):
        console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)


def _print_summary(console: Console, counts: Mapping[_Kind, int], total: int) -> None:
    if not counts:
        _say(console, f"All {total:,} documents fit the data model.", "green")
        return
    by_collection: Counter[str] = Counter()
    for kind, count in counts.items():
        by_collection[kind.collection] += count
    where = ", ".join(f"{count:,} in {name}" for name, count in by_collection.items())
    problems_found = sum(counts.values())
    noun = "problem" if problems_found == 1 else "problems"
    _say(console, f"\n{problems_found:,} {noun} in {total:,} documents: {where}.", "red")


async def _total(database: Database) -> int:
    names = [row.name for row in COLLECTIONS.values() if row.document is not None]
    return sum([await database[name].estimated_document_count() for name in names])


_ADVICE: Mapping[MisfitKind, str] = {
    "constraint": "Correct the value. Until then, it is shown unchanged, or not at all if it is a URL.",
    "cycle": "Break the cycle: remove one of its courses from the prerequisites of another.",
    "dangling": "Restore the document that it refers to, or correct or delete the reference.",
    "same e-mail": "Decide which student keeps the address, and set it to null for the other students.",
}


def _advice(kind: _Kind) -> str:
    """Returns what to do about a kind of problem."""
    row, field = COLLECTIONS[kind.collection], kind.path.partition(".")[0].partition("[")[0]
    if field == "revision":
        return f'Unset it: db.{row.name}.updateMany({{}}, {{$unset: {{revision: ""}}}}), in mongosh.'
    if field in row.aggregates or (kind.collection, field) == ("reviews", "helpfulScore"):
        return f"`{lectern()} recount --fix` computes it."
    if field in row.derived:
        names = ", ".join(sorted(row.derived_from))
        return f"It is computed when any of these fields is written: {names}. Write one again."
    if field == "_id":
        return f"Insert the {row.noun} again with an ObjectId. Until then, it can't be shown."
    if kind.kind in _ADVICE:
        return _ADVICE[kind.kind]
    return _advice_on_value(row, kind, field)


def _advice_on_value(row: StoredCollection, kind: _Kind, field: str) -> str:
    """Returns advice on a value that is missing or wrong.

    The advice usually names the default value that clients get until the stored value is corrected. If the
    value is missing, the advice also gives the command that stores the default.
    """
    shape = ((row.document and shape_of(row.document).members) or {})[field]
    if row.type_name is None:
        return "Correct the value."
    if kind.path != field or field == "externalId":
        return "Correct the value. Until then, it is left out."
    default = default_of(row, field, shape, None)
    if default is UNFIT:
        return "Set a time. Until then, readers get the time in the _id."
    if default == NOWHERE:
        return "Set the reference, or delete the document."
    instead = orjson.dumps(default).decode()
    if kind.kind != "missing":
        return f"Correct the value. Until then, readers get {instead}."
    update = f"db.{row.name}.updateMany({{{field}: {{$exists: false}}}}, {{$set: {{{field}: {instead}}}}})"
    return f"Readers get {instead}. To store it, run in mongosh: {update}"


def _written(id: Value) -> str:
    """Formats an `_id` of any type. Escapes control characters, and truncates a long `_id`."""
    text = str(id) if isinstance(id, ObjectId) else repr(id)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _say(console: Console, message: str, style: str = "") -> None:
    wrap = not console.is_terminal  # sentences are wrapped only in a terminal, not in a file or a pipe
    console.print(message, style=style, markup=False, highlight=False, soft_wrap=wrap)
