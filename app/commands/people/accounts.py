"""The command `lectern account`."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Annotated, TypeVar, cast

import typer
from bson import ObjectId

from app import development
from app.commands import option_values
from app.commands.people import account_changes, account_tables
from app.commands.people.account_changes import Changed, Reset
from app.commands.tables import show_rows, show_values
from app.database import connect, require_transactions
from app.invocation import lectern
from app.settings import load
from app.terminal import say
from loaders.model import AccountStatus, Role, StudentDoc
from loaders.mongo import Database, utc

T = TypeVar("T")

account = typer.Typer(
    help="Create accounts, list and change them, or reset their passwords.", no_args_is_help=True
)

_Email = Annotated[
    str,
    typer.Argument(metavar="EMAIL", help="The account's e-mail address.", parser=option_values.email),
]
_InstructorId = Annotated[
    ObjectId | None,
    option_values.id_option(
        "Instructor",
        "Global ID of the instructor who gets the account; by default, a new instructor is created.",
    ),
]
_InJson = Annotated[bool, typer.Option("--json", help="Print a JSON array, for scripts.")]
_NewInstructor = Annotated[
    bool,
    typer.Option(
        "--new-instructor", help="Create one even if an instructor with the same name has no account yet."
    ),
]
_EvenLast = Annotated[
    bool, typer.Option("--yes-even-last", help="Allow this even for the last active account of staff.")
]
_StudentId = Annotated[
    ObjectId | None,
    option_values.id_option(
        "Student", "Global ID of the student who gets the account; by default, a new student is created."
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
        option_values.role_option("A role; may be repeated."),
    ] = None,
    instructor: _InstructorId = None,
    student: _StudentId = None,
    new_instructor: _NewInstructor = False,
) -> None:
    """Create an account, and print a single-use link or token, valid for 24 hours, to set its password."""
    if not (name or instructor or student):
        message = "A name is required unless --instructor or --student is given."
        raise typer.BadParameter(message, param_hint="--name")
    people: dict[Role, ObjectId | None] = {"INSTRUCTOR": instructor, "STUDENT": student}
    implied = [name for name, person in people.items() if person]
    roles = option_values.roles("--role", role, implied)
    if not roles:
        raise typer.BadParameter("Specify a role: STAFF, INSTRUCTOR or STUDENT.", param_hint="--role")
    created = _run(
        lambda database: account_changes.create(
            database, email, name, roles, instructor, student, even_namesake=new_instructor
        )
    )
    granted = created.account["roles"]
    say(f"Created an account for {email} with the role{'s' * (len(granted) > 1)} {_listed(granted)}.")
    _report_same_address(created.same_address, "To give a student an account at once, use --student ID.")
    _print_reset(created)


@account.command()
def reset(
    email: _Email,
    send: Annotated[
        bool,
        typer.Option("--send", help="Have a gateway send the link to the address, instead of printing it."),
    ] = False,
) -> None:
    """Print a single-use link or token for resetting an account's password, valid for 24 hours."""
    if send:
        until = _run(lambda database: account_changes.send_reset(database, email))
        say("Previously printed links and tokens are no longer valid.")
        say(f"A gateway will send a link to {email}. It can be used once, until {_shown(until)}.")
        return
    made = _run(lambda database: account_changes.reset(database, email))
    say("Previously printed links and tokens are no longer valid.")
    _print_reset(made)


@account.command()
def roles(
    email: _Email,
    add: Annotated[list[str] | None, option_values.role_option("A role to add.")] = None,
    remove: Annotated[list[str] | None, option_values.role_option("A role to remove.")] = None,
    instructor: _InstructorId = None,
    new_instructor: _NewInstructor = False,
    even_last: _EvenLast = False,
) -> None:
    """Change an account's roles, and print the resulting roles."""
    added = option_values.roles("--add", add, ["INSTRUCTOR"] if instructor else [])
    removed = option_values.roles("--remove", remove)
    if both := added & removed:
        raise typer.BadParameter(f"{_listed(both)} can't be both added and removed.", param_hint="--remove")
    changed = _run(
        lambda database: account_changes.change_roles(
            database,
            email,
            added,
            removed,
            instructor,
            even_last_staff=even_last,
            even_namesake=new_instructor,
        )
    )
    _report_sessions(email, changed)
    _report_same_address(
        changed.same_address, f"To do that at once:\n  {lectern()} account link {email} --student ID"
    )
    for role in changed.account["roles"]:
        typer.echo(role)


@account.command("list")
def list_accounts(
    search: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Words from the name, or the e-mail address.", show_default=False),
    ] = None,
    role: Annotated[
        list[str] | None,
        option_values.role_option("A role that the account has; may be repeated."),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="ACTIVE|DEACTIVATED",
            help="The status of the account.",
            parser=option_values.account_status,
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The number of accounts to list.")] = 100,
    in_json: _InJson = False,
) -> None:
    """List accounts by name, with their roles, and when they were last seen.

    If --role is repeated, an account needs only one of the roles.
    """
    wanted = sorted(option_values.roles("--role", role)) if role else None
    rows, count = _run(
        lambda database: account_tables.rows(
            database, search, wanted, cast("AccountStatus | None", status), limit
        )
    )
    show_rows(rows, "There is no such account.", in_json=in_json)
    if count > len(rows):
        say(f"These are {len(rows):,} of {count:,} accounts: use --search, --role, --status or --limit.")


@account.command()
def show(email: _Email, in_json: _InJson = False) -> None:
    """Show an account, and the student and instructor who own it."""
    found = _run(lambda database: account_tables.details(database, email))
    if in_json:
        show_rows([found], "", in_json=True)
    else:
        show_values(found)


@account.command()
def deactivate(email: _Email, even_last: _EvenLast = False) -> None:
    """Prevent an account's owner from signing in, and end the account's sessions. Nothing is deleted."""
    if _run(lambda database: account_changes.deactivate(database, email, even_last_staff=even_last)):
        say(f"{email} is deactivated. {_SESSIONS_ENDED}")
    else:
        say(f"{email} was already deactivated.")


@account.command()
def activate(email: _Email) -> None:
    """Let the owner of a deactivated account sign in again, with the same password and roles as before."""
    is_changed = _run(lambda database: account_changes.activate(database, email))
    say(f"{email} is active again." if is_changed else f"{email} was already active.")


@account.command()
def link(
    email: _Email,
    student: Annotated[
        ObjectId | None,
        option_values.id_option("Student", "Global ID of the student."),
    ] = None,
    instructor: Annotated[
        ObjectId | None,
        option_values.id_option("Instructor", "Global ID of the instructor."),
    ] = None,
) -> None:
    """Link an account to a student or instructor who has no account, such as an imported one.

    The account gets the role STUDENT or INSTRUCTOR.
    """
    if student and not instructor:
        is_changed = _run(lambda database: account_changes.link(database, email, "Student", student))
    elif instructor and not student:
        is_changed = _run(lambda database: account_changes.link(database, email, "Instructor", instructor))
    else:
        raise typer.BadParameter("Give either a student or an instructor.", param_hint="--student")
    say(f"{email} is linked." if is_changed else f"{email} was already linked.")


_SESSIONS_ENDED = (
    "The account's sessions have ended.\n"
    "Their access tokens can no longer write, and can no longer read after at most 10 minutes."
)


def _report_sessions(email: str, changed: Changed) -> None:
    """Prints the effect of a role change on the account's sessions."""
    if not changed.account["roles"]:
        say(f"{email} has no roles left.")
    if changed.removed:
        say(_SESSIONS_ENDED)
    elif changed.added:
        say(
            "Existing sessions get the added roles when their access tokens are refreshed, within 10 minutes."
        )


def _report_same_address(students: Sequence[StudentDoc], at_once: str) -> None:
    """Prints the students who have an account's address, but don't belong to it.

    at_once: says how to do now what a verification will do.
    """
    from resolvers.relay import encode_id

    for student in students:
        say(
            f"{student['name']} has this e-mail address too: {encode_id('Student', student)}\n"
            "If no other student has it, this student's data moves to the account when the address is\n"
            f"verified by a link in a message. {at_once}"
        )


def _print_reset(reset: Reset) -> None:
    """Prints the link or the token to standard output, and everything else to standard error."""
    settings = load()
    url, kind = settings.reset_url, "link" if settings.reset_url else "token"
    say(f"Use this {kind} to set the password. It can be used once, until {_shown(reset.expires_at)}:\n")
    typer.echo(url.replace("{token}", reset.token) if url else reset.token)
    if not url:
        address = development.address(development.directory(None), settings)
        say(_EXAMPLE.format(url=address.url, note=address.note))


_EXAMPLE = """
If LECTERN_RESET_URL is set, a link is printed instead. To try the token{note}:

  curl {url}/graphql -H 'content-type: application/json' -d '{{
  "query":
  "mutation($i:ResetPasswordInput!){{resetPassword(input:$i){{errors{{message}}}}}}",
  "variables": {{"i": {{"token": "THE TOKEN", "newPassword": "NEW PASSWORD"}}}}}}'"""


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
