"""Parsers for option values, with the same checks as mutation inputs."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeVar, get_args

import orjson
import typer
from bson import ObjectId
from typer.models import OptionInfo

from app.commands.command_error import CommandError
from loaders.collections import importable
from loaders.model import AccountStatus, ReviewStatus, Role

T = TypeVar("T")

_MOST_BYTES = 20_000_000  # maximum size of a file

ROLES: tuple[Role, ...] = get_args(Role)


def collection_name(value: str) -> str:
    """Parses the name of a collection that can be imported and exported."""
    if value not in (names := importable()):
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(map(repr, names))}.")
    return value


def contents(file: Path) -> bytes:
    """Reads a file. Raises CommandError if it can't be read, is too large or isn't a regular file."""
    try:
        if not S_ISREG(file.stat().st_mode):  # reading a pipe could take forever
            raise CommandError(f"{file} can't be read: it is not a regular file.")
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}.") from None
    if len(data) > _MOST_BYTES:
        raise CommandError(f"{file} is larger than {_MOST_BYTES:,} bytes. Split it into several files.")
    return data


def variables(value: str, example: str) -> dict[str, Any]:  # Any: the values are any JSON values
    """Parses `--variables`: a JSON object, or the name of a file that contains one, with or without an @."""
    is_json = value.lstrip().startswith(("{", "["))
    where = "" if is_json else f": {value.removeprefix('@')}"
    try:
        data = value if is_json else contents(Path(value.removeprefix("@")))
        found = orjson.loads(data)
    except CommandError as error:
        raise CommandError(f"--variables: {error}") from None
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--variables{where} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise CommandError(f"--variables{where} takes a JSON object, such as {example}.")
    return found


def email(value: str) -> str:
    """Parses an e-mail address, and converts it to lower case."""
    from resolvers.values import email as check

    return str(_checked(check, value))


def name(value: str) -> str:
    """Parses a person's name."""
    from resolvers.values import text

    return str(_checked(text(200), value))


def id_of(type_name: str) -> Callable[[str], ObjectId]:
    """Returns a parser for global IDs of a type."""

    def parse(value: str) -> ObjectId:
        from resolvers.values import global_id

        found: ObjectId = _checked(global_id(type_name), value)
        return found

    return parse


def id_option(type_name: str, help: str) -> OptionInfo:
    """Declares an option that takes the global ID of an object of a type."""
    option: OptionInfo = typer.Option(metavar="ID", help=help, parser=id_of(type_name), show_default=False)
    return option


def role_option(help: str) -> OptionInfo:
    """Declares an option that takes the name of a role, and may be repeated (see `roles`)."""
    option: OptionInfo = typer.Option(metavar="|".join(reversed(ROLES)), help=help, show_default=False)
    return option


def roles(option: str, names: Sequence[str] | None, implied: Collection[Role] = ()) -> frozenset[Role]:
    """Returns the roles with the given names, ignoring the case of ASCII letters, and the implied roles.

    option: the option that takes the names. implied: roles that follow from other options.

    Raises typer.BadParameter for an unknown role.
    """
    given = {name.upper() if name.isascii() else name: name for name in names or ()}
    if unknown := given.keys() - set(ROLES):
        raise typer.BadParameter(
            f"'{given[min(unknown)]}' is not one of {', '.join(ROLES)}.", param_hint=option
        )
    return frozenset((*(role for role in ROLES if role in given), *implied))


def account_status(value: str) -> str:
    """Parses the status of an account, ignoring the case of ASCII letters."""
    status = value.upper() if value.isascii() else value
    if status not in get_args(AccountStatus):
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(get_args(AccountStatus))}.")
    return status


def review_status(value: str) -> str:
    """Parses the status of a review, ignoring the case of ASCII letters."""
    status = value.upper() if value.isascii() else value
    if status not in get_args(ReviewStatus):
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(get_args(ReviewStatus))}.")
    return status


def moderation_reason(value: str) -> str | None:
    """Parses the reason of a moderation; None if it is blank."""
    from resolvers.values import or_none, text

    found: str | None = _checked(or_none(text(2_000)), value)
    return found


def _checked(check: Callable[[str], T], value: str) -> T:
    """Runs a check, and converts its ValueError to a command-line error."""
    try:
        return check(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
