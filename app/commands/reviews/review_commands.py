"""Lists reviews for moderators, and moderates one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar, cast, get_args

import typer
from bson import ObjectId

import loaders.audit
import loaders.review
from app.commands import option_values
from app.commands.command_error import CommandError
from app.commands.tables import Row, show_rows
from app.database import connect, require_transactions
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders import review_writes
from loaders.model import ReviewDoc, ReviewStatus
from loaders.mongo import Database, Transaction, transaction
from loaders.reading import WHOLE, Loaders, Window, counts, fit_read
from loaders.review import ReviewCriteria

T = TypeVar("T")

_STATUSES = "PUBLISHED|PENDING|REJECTED"
_MOST_SHOWN = 60  # characters of a text in the list

review = typer.Typer(help="List reviews for moderation, or moderate one.", no_args_is_help=True)

_Id = Annotated[
    ObjectId,
    typer.Argument(metavar="ID", help="Global ID of the review.", parser=option_values.id_of("Review")),
]


@review.command("list")
def list_reviews(
    status: Annotated[
        str | None,
        typer.Option(
            metavar=_STATUSES,
            help="The status of the review.",
            parser=option_values.review_status,
            show_default=False,
        ),
    ] = None,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="Only reviews flagged since they were last moderated.")
    ] = False,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Words in the title or the text. Only the first 10,000 reviews that match the other "
            "options are searched.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The number of reviews to list.")] = 100,
    in_json: Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")] = False,
) -> None:
    """List reviews of all courses, newest first, with their flags."""
    statuses = (cast("ReviewStatus", status),) if status else get_args(ReviewStatus)
    criteria = ReviewCriteria(statuses=statuses, flagged=flagged or None, search=search)
    rows, count = _run(lambda database: _rows(database, criteria, limit, whole=in_json))
    show_rows(rows, "There is no such review.", in_json=in_json)
    if count > len(rows):
        say(f"These are {len(rows):,} of {count:,} reviews: use --status, --flagged, --search or --limit.")


@review.command()
def moderate(
    id: _Id,
    status: Annotated[
        str,
        typer.Option(
            metavar=_STATUSES, help="The new status of the review.", parser=option_values.review_status
        ),
    ],
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The reason, which the author can read.",
            parser=option_values.moderation_reason,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Set the status of a review, and close its flags."""
    changed = _run(lambda database: _moderate(database, id, cast("ReviewStatus", status), reason))
    say(f"The review is now {changed['status']}.")


async def _rows(
    database: Database, criteria: ReviewCriteria, most: int, *, whole: bool
) -> tuple[list[Row], int]:
    """Returns a row for each of the first `most` reviews that match, and how many match.

    whole: whether the rows have whole titles and texts, each by itself.
    """
    listing = loaders.review.listing(Loaders(database), criteria, None)
    (page,) = await listing.pages([WHOLE], Window(most))
    (count,) = await counts(listing, [WHOLE])
    return [_row(one, whole=whole) for one in page.documents], count


def _row(found: ReviewDoc, *, whole: bool) -> Row:
    from resolvers.relay import encode_id

    title, body = found["title"], found["body"]
    text = " ".join((f"{title}: {body}" if title and body else title or body).split())
    short = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return {
        "id": encode_id("Review", found),
        "status": found["status"],
        "flags": found.get("flagCount", 0),
        "rating": found["rating"],
        "written": found["createdAt"],
        **({"title": title, "text": body} if whole else {"text": short}),
        "reason": found.get("moderationReason"),
    }


async def _moderate(database: Database, id: ObjectId, status: ReviewStatus, reason: str | None) -> ReviewDoc:
    async def work(tx: Transaction) -> ReviewDoc:
        tx.fit = fit_read
        found: ReviewDoc | None = await tx.get("reviews", id)
        if found is None:
            raise CommandError(f"There is no review with this ID: `{lectern()} review list` lists them.")
        changed = await review_writes.moderate(tx, found, status, reason)
        if tx.changes:
            await loaders.audit.record(tx, "review moderate", loaders.audit.OPERATOR, "")
        return changed

    return await transaction(database, work)


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await require_transactions(database)
            return await work(database)

    return asyncio.run(run())
