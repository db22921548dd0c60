"""`lectern account`."""

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

account = typer.Typer(help="Accounts: make one, reset its password, change its roles.", no_args_is_help=True)

_ROLE = "STAFF|INSTRUCTOR|STUDENT"
_Email = Annotated[
    str,
    typer.Argument(metavar="EMAIL", help="The e-mail address.", parser=option_values.email),
]
_InstructorId = Annotated[
    ObjectId | None,
    typer.Option(
        "--instructor",
        metavar="ID",
        help="The INSTRUCTOR it is, by its global ID; else someone new.",
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
            help="What the person is called.",
            parser=option_values.name,
            show_default=False,
        ),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(metavar=_ROLE, help="A role, once or more.", show_default=False),
    ] = None,
    instructor: _InstructorId = None,
) -> None:
    """Make an account. What it prints sets its password, once, within 24 hours."""
    if not (name or instructor):
        raise typer.BadParameter("It is needed, unless --instructor says who it is.", param_hint="--name")
    roles = option_values.roles("--role", role, ["INSTRUCTOR"] if instructor else [])
    if not roles:
        raise typer.BadParameter("It is needed: STAFF, INSTRUCTOR or STUDENT.", param_hint="--role")
    made = _done(lambda database: account_changes.create(database, email, name, roles, instructor))
    _say(f"{email} has an account: {_listed(made.account['roles'])}.")
    _show(made)


@account.command()
def reset(email: _Email) -> None:
    """Print what sets an account's password anew, once, within 24 hours."""
    found = _done(lambda database: account_changes.reset(database, email))
    _say("What was printed before is no longer good.")
    _show(found)


@account.command()
def roles(
    email: _Email,
    add: Annotated[
        list[str] | None, typer.Option(metavar=_ROLE, help="A role to give.", show_default=False)
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar=_ROLE, help="A role to take away.", show_default=False)
    ] = None,
    instructor: _InstructorId = None,
) -> None:
    """Print an account's roles, after changing them."""
    more = option_values.roles("--add", add, ["INSTRUCTOR"] if instructor else [])
    less = option_values.roles("--remove", remove)
    if both := more & less:
        raise typer.BadParameter(f"{_listed(both)} can't be given and taken away.", param_hint="--remove")
    changed = _done(lambda database: account_changes.change_roles(database, email, more, less, instructor))
    _tell(email, changed)
    for own in changed.account["roles"]:
        typer.echo(own)


def _tell(email: str, changed: Changed) -> None:
    """What became of the sessions."""
    if not changed.account["roles"]:
        _say(f"{email} has no roles.")
    if changed.removed:
        _say(
            "The account's sessions have ended: writes are refused from now on. What an\n"
            "access token reads, it reads until it expires, in 10 minutes at most."
        )
    elif changed.added:
        _say("Who is signed in has it when their access token is refreshed, within 10 minutes.")


def _show(reset: Reset) -> None:
    """The link or the token alone goes to standard output."""
    url = load().reset_url
    _say(f"This {'link' if url else 'token'} sets the password, once, until {_shown(reset.expires_at)}:\n")
    typer.echo(url.replace("{token}", reset.token) if url else reset.token)
    if not url:
        _say(_EXAMPLE)


_EXAMPLE = """
With RESET_URL a link is printed instead. To try it:

  curl http://localhost:8000/graphql -H 'content-type: application/json' -d '{
  "query":
  "mutation($i:ResetPasswordInput!){resetPassword(input:$i){errors{message}}}",
  "variables": {"i": {"token": "THE TOKEN", "newPassword": "NEW PASSWORD"}}}'"""


def _done(work: Callable[[Database], Awaitable[T]]) -> T:
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
