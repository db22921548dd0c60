"""The commands `lectern token` and `lectern client-key`."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from bson import ObjectId
from pydantic import SecretStr

from app import development, embedded
from app.budget_classes import ClientKey, digest_of, read_keys
from app.commands import option_values
from app.commands.command_error import CommandError
from app.invocation import lectern
from app.settings import Settings, load
from app.terminal import say
from loaders.model import Role

_KEY_BYTES = 32

_STUDENT: frozenset[Role] = frozenset(("STUDENT",))


def token(
    role: Annotated[
        list[str] | None,
        option_values.role_option("A role; may be repeated. STUDENT if omitted."),
    ] = None,
    student: Annotated[
        ObjectId | None,
        option_values.id_option(
            "Student", "Global ID of the student who gets the token; by default, one who takes a course."
        ),
    ] = None,
    instructor: Annotated[
        ObjectId | None,
        option_values.id_option(
            "Instructor", "Global ID of the instructor who gets the token; by default, one who teaches."
        ),
    ] = None,
    hours: Annotated[
        int, typer.Option(help="The number of hours for which the token is valid.", min=1, max=24 * 365)
    ] = 12,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="The --data-dir of `lectern dev`, if it was started with one.",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print an access token for trying things out with `lectern dev`."""
    from app.commands.trial_tokens import issue

    settings = load()
    if settings.lectern_env == "production":
        raise CommandError(
            "`lectern token` is not available when LECTERN_ENV is production: create an account"
            " (`lectern account`), and sign in."
        )
    directory = development.directory(data_dir)
    people: dict[Role, ObjectId | None] = {"STUDENT": student, "INSTRUCTOR": instructor}
    implied = [role for role, person in people.items() if person]
    roles = option_values.roles("--role", role, implied) or _STUDENT
    with _gateway(settings, directory) as gateway:
        issued = asyncio.run(issue(gateway, roles, people, timedelta(hours=hours)))
    say(f"Token for {issued.holder}, valid for {hours} h:\n")
    typer.echo(issued.token)
    options = [f"--data-dir {quote(str(data_dir))}"] if data_dir else []
    options += [f"--role {role}" for role in sorted(roles)]
    has_database = "mongodb_uri" in settings.model_fields_set
    url, note = development.address(directory, settings if has_database else None)
    say(
        _USES.format(
            url=url,
            note=note,
            command=" ".join([lectern(), "token", *options]),
        )
    )


def client_key(
    class_name: Annotated[
        str, typer.Argument(metavar="CLASS", help="The class of LECTERN_BUDGETS that the client gets.")
    ],
) -> None:
    """Make a key for a client, and print its entry for LECTERN_CLIENT_KEYS."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    entry = str(ClientKey(class_name, digest_of(key.encode())))
    try:
        read_keys(entry)
    except ValueError:
        raise CommandError(
            f"`{class_name}` can't be a class: its name must be up to 32 lower-case letters, digits, `-` and "
            "`_`, and begin with a letter."
        ) from None
    typer.echo(key)
    say(
        f"The client sends this key in X-Lectern-Client-Key. It isn't stored anywhere.\n"
        f"Add to LECTERN_CLIENT_KEYS: {entry}"
    )


@contextmanager
def _gateway(settings: Settings, directory: Path) -> Iterator[Settings]:
    """Yields the settings of the gateway for which the token is issued.

    LECTERN_MONGODB_URI and LECTERN_SECRET default to the values of `lectern dev`.
    """
    has_database = "mongodb_uri" in settings.model_fields_set
    has_secret = bool(settings.lectern_secret.get_secret_value())
    if not (has_database and has_secret) and not development.was_here(directory):
        raise CommandError(
            f"`lectern dev` has not run in {directory}.\n"
            "Start it first, or add the --data-dir with which it was started, or set LECTERN_MONGODB_URI and"
            " LECTERN_SECRET to the values that your gateway uses."
        )
    update = {"lectern_secret": SecretStr(development.secret(settings, directory))}
    if has_database:
        yield settings.model_copy(update=update)
        return
    with embedded.running(directory) as uri:
        yield settings.model_copy(update=update | {"mongodb_uri": SecretStr(uri)})


_USES = """
To use it in GraphiQL, enter under Headers: {{"Authorization": "Bearer THE TOKEN"}}
With curl{note}:

  curl {url}/graphql -H 'content-type: application/json' \\
    -H "Authorization: Bearer $({command})" \\
    -d '{{"query": "{{ viewer {{ roles }} }}"}}'"""
