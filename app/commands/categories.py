"""The command `lectern category`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

import loaders.audit
import loaders.category
from app.commands.command_error import CommandError
from app.commands.tables import show_rows
from app.database import connect, require_transactions
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders import category_writes
from loaders.model import MOST_CATEGORY_SLUGS, CategoryDoc
from loaders.mongo import Database, Transaction, transaction
from loaders.reading import fit_read

T = TypeVar("T")

category = typer.Typer(help="List the categories, or merge one into another.", no_args_is_help=True)

_From = Annotated[str, typer.Argument(metavar="FROM", help="Slug of the category that is deleted.")]
_Into = Annotated[str, typer.Argument(metavar="INTO", help="Slug of the category that gets the courses.")]


@category.command("list")
def list_categories(
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """List the categories in order: slug, number of courses (whatever their status), and name."""
    rows = [
        {"slug": found["slug"], "courses": count, "name": found["name"]} for found, count in _run(_counted)
    ]
    show_rows(rows, "There are no categories.", in_json=in_json)


@category.command()
def merge(slug: _From, into: _Into) -> None:
    """Move all courses of a category to another one, and delete the category.

    The slugs of the deleted category then lead to the other category.
    """
    _run(lambda database: _merge(database, slug, into))
    say(f"Merged {slug} into {into}.")


async def _counted(database: Database) -> list[tuple[CategoryDoc, int]]:
    found = await loaders.category.categories(database)
    slugs = [one["slug"] for one in found]
    counts = await loaders.category.course_counts_by_slug(database, slugs)
    return list(zip(found, counts, strict=True))


async def _merge(database: Database, slug: str, into: str) -> None:
    async def work(tx: Transaction) -> CategoryDoc:
        tx.fit = fit_read
        merged, kept = await _by_slug(tx, slug), await _by_slug(tx, into)
        if merged["_id"] == kept["_id"]:
            raise CommandError("A category can't be merged into itself: name another one.")
        await category_writes.lock(tx)
        try:
            changed = await category_writes.merge(tx, merged, kept)
        except category_writes.TooManySlugsError:
            message = f"The merged category would have more than {MOST_CATEGORY_SLUGS:,} former slugs."
            raise CommandError(message) from None
        await loaders.audit.record(tx, "category merge", loaders.audit.OPERATOR, "")
        return changed

    await category_writes.move_all_courses(database, (await transaction(database, work))["_id"])


async def _by_slug(tx: Transaction, slug: str) -> CategoryDoc:
    found: CategoryDoc | None = await tx.find_one("categories", {"slug": {"$eq": slug}})
    if found is None:
        raise CommandError(
            f"There is no category with the slug “{slug}”: `{lectern()} category list` lists them."
        )
    return found


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await require_transactions(database)
            return await work(database)

    return asyncio.run(run())
