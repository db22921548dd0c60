"""What `lectern account list` and `show` print about accounts."""

from collections.abc import Sequence
from datetime import datetime

from app.commands.people.account_changes import no_account
from app.commands.tables import Row
from loaders import accounts
from loaders.model import AccountDoc, AccountStatus, Role
from loaders.mongo import Database
from loaders.reading import WHOLE, Loaders, Window, counts


async def rows(
    database: Database,
    search: str | None,
    roles: Sequence[Role] | None,
    status: AccountStatus | None,
    most: int,
) -> tuple[list[Row], int]:
    """Returns a row for each of the first `most` accounts that match, by name, and how many match."""
    listing = accounts.listing(database, search=search, roles=roles, statuses=status and [status])
    (page,) = await listing.pages([WHOLE], Window(most))
    (count,) = await counts(listing, [WHOLE])
    return [_row(account) for account in page.documents], count


async def details(database: Database, email: str) -> Row:
    """Returns what there is to know about an account, by the name of each value. Raises AccountError."""
    from resolvers.relay import encode_id

    account = await accounts.find_by_email(database, email)
    if account is None:
        raise no_account(email)
    load = Loaders(database)
    (student,) = await load.student_by_id([account["studentId"]])
    (instructor,) = await load.instructor_by_id([account["instructorId"]])
    return {
        **_row(account),
        "id": encode_id("Account", account),
        "student": student and f"{student['name']} ({encode_id('Student', student)})",
        "instructor": instructor and f"{instructor['name']} ({encode_id('Instructor', instructor)})",
        "created": account["createdAt"],
    }


def _row(account: AccountDoc) -> dict[str, str | list[Role] | datetime | None]:
    return {
        "email": account["email"],
        "name": accounts.display_name(account),
        "roles": account["roles"],
        "status": account.get("status", "ACTIVE"),
        "lastSeen": accounts.last_seen_at(account),
    }
