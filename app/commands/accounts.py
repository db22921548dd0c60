"""The command `lectern account`."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from bson import ObjectId
from rich.console import Console

from app.commands import account_changes, option_values
from app.commands.account_changes import Changed, Reset
from app.database import connect, require_transactions
from app.settings import load
from loaders.model import Role
from loaders.mongo import Database, utc

T = TypeVar("T")

account = typer.Typer(
    help="Create accounts, reset their passwords or change their roles.", no_args_is_help=True
)

_ROLE = "STAFF|INSTRUCTOR|STUDENT"
_Email = Annotated[
    str,
    typer.Argument(metavar="EMAIL", help="The account's e-mail address.", parser=option_values.email),
]
_InstructorId = Annotated[
    ObjectId | None,
    typer.Option(
        "--instructor",
        metavar="ID",
        help="Global ID of the instructor who gets the account; by default, a new instructor is created.",
        parser=option_values.id_of("Instructor"),
        show_default=False,
    ),
]


@account.command()
def create(
    email: _Email,
    name: Annotated[
        str | None,
        typer.Option(
            help="The person's name.",
            parser=option_values.name,
            show_default=False,
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(metavar=_ROLE, help="A role; may be repeated.", show_default=False),
    ] = None,
    instructor: _InstructorId = None,
) -> None:
    """Create an account, and print a single-use link or token, valid for 24 hours, to set its password."""
    if not (name or instructor):
        raise typer.BadParameter("A name is required unless --instructor is given.", param_hint="--name")
    roles = option_values.roles("--role", role, ["INSTRUCTOR"] if instructor else [])
    if not roles:
        raise typer.BadParameter("Specify a role: STAFF, INSTRUCTOR or STUDENT.", param_hint="--role")
    created = _run(lambda database: account_changes.create(database, email, name, roles, instructor))
    granted = created.account["roles"]
    _say(f"Created an account for {email} with the role{'s' * (len(granted) > 1)} {_listed(granted)}.")
    _print_reset(created)


@account.command()
def reset(email: _Email) -> None:
    """Print a single-use link or token for resetting an account's password, valid for 24 hours."""
    made = _run(lambda database: account_changes.reset(database, email))
    _say("Previously printed links and tokens are no longer valid.")
    _print_reset(made)


@account.command()
def roles(
    email: _Email,
    add: Annotated[
        list[str] | None, typer.Option(metavar=_ROLE, help="A role to add.", show_default=False)
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar=_ROLE, help="A role to remove.", show_default=False)
    ] = None,
    instructor: _InstructorId = None,
) -> None:
    """Change an account's roles, and print the resulting roles."""
    added = option_values.roles("--add", add, ["INSTRUCTOR"] if instructor else [])
    removed = option_values.roles("--remove", remove)
    if both := added & removed:
        raise typer.BadParameter(f"{_listed(both)} can't be both added and removed.", param_hint="--remove")
    changed = _run(lambda database: account_changes.change_roles(database, email, added, removed, instructor))
    _report_sessions(email, changed)
    for role in changed.account["roles"]:
        typer.echo(role)


def _report_sessions(email: str, changed: Changed) -> None:
    """Prints the effect of a role change on the account's sessions."""
    if not changed.account["roles"]:
        _say(f"{email} has no roles left.")
    if changed.removed:
        _say(
            "The account's sessions have ended. Their access tokens can no longer be used\n"
            "for writes, but can be used for reads until they expire, within 10 minutes."
        )
    elif changed.added:
        _say(
            "Existing sessions get the added roles when their access tokens are refreshed, within 10 minutes."
        )


def _print_reset(reset: Reset) -> None:
    """Prints the link or the token to standard output, and everything else to standard error."""
    url = load().reset_url
    kind = "link" if url else "token"
    _say(f"Use this {kind} to set the password. It can be used once, until {_shown(reset.expires_at)}:\n")
    typer.echo(url.replace("{token}", reset.token) if url else reset.token)
    if not url:
        _say(_EXAMPLE)


_EXAMPLE = """
If LECTERN_RESET_URL is set, a link is printed instead. To try the token (change the
address if your gateway has another one):

  curl http://localhost:8000/graphql -H 'content-type: application/json' -d '{
  "query":
  "mutation($i:ResetPasswordInput!){resetPassword(input:$i){errors{message}}}",
  "variables": {"i": {"token": "THE TOKEN", "newPassword": "NEW PASSWORD"}}}'"""


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(load()) as database:
            await require_transactions(database)
            return await work(database)

    return asyncio.run(run())


def _listed(roles: Collection[Role]) -> str:
    return ", ".join(role for role in option_values.ROLES if role in roles)


def _shown(moment: datetime) -> str:
    return f"{utc(moment):%Y-%m-%d %H:%M} UTC"


def _say(message: str) -> None:
    Console(stderr=True).print(message, soft_wrap=True, markup=False, highlight=False)
