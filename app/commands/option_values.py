"""Parsers for option values, with the same checks as mutation inputs."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar, get_args

import typer
from bson import ObjectId

from loaders.collections import importable
from loaders.model import Role

T = TypeVar("T")

ROLES: tuple[Role, ...] = get_args(Role)


def collection_name(value: str) -> str:
    """Parses the name of a collection that can be imported and exported."""
    if value not in (names := importable()):
        raise typer.BadParameter(f"'{value}' is not one of {', '.join(map(repr, names))}.")
    return value


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


def _checked(check: Callable[[str], T], value: str) -> T:
    """Runs a check, and converts its ValueError to a command-line error."""
    try:
        return check(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
