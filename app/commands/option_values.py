"""The values of options, checked as the inputs of mutations are."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

import typer
from bson import ObjectId

from loaders.model import Role

ROLES: tuple[Role, ...] = get_args(Role)


def email(value: str) -> str:
    """An e-mail address, in lower case."""
    from resolvers.values import email as check

    return str(_checked(check, value))


def name(value: str) -> str:
    """What somebody is called."""
    from resolvers.values import text

    return str(_checked(text(200), value))


def id_of(type_name: str) -> Callable[[str], ObjectId]:
    """The parser of a global ID of a type."""

    def parse(value: str) -> ObjectId:
        from resolvers.values import global_id

        found: ObjectId = _checked(global_id(type_name), value)
        return found

    return parse


def roles(option: str, names: Sequence[str] | None, implied: Collection[Role] = ()) -> frozenset[Role]:
    """The roles that were given with an option, in capitals or not, and those that others imply."""
    found = {role for role in ROLES for name in names or () if name.upper() == role}
    if unknown := [name for name in names or () if name.upper() not in found]:
        raise typer.BadParameter(f"'{unknown[0]}' is not one of {', '.join(ROLES)}.", param_hint=option)
    return frozenset((*found, *implied))


def _checked(check: Callable[[str], Any], value: str) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
