"""The values of options, as the inputs of mutations have them checked."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, get_args

import typer

from loaders.documents import Role
from resolvers.writing.checks import Check

ROLES: tuple[Role, ...] = get_args(Role)


def checked(check: Check) -> Callable[[str], Any]:
    """The parser of a value that a check takes."""

    def parse(value: str) -> Any:
        try:
            return check(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


def roles(option: str, names: Sequence[str] | None, implied: Collection[Role] = ()) -> frozenset[Role]:
    """The roles that were given with an option, in capitals or not, and those that others imply."""
    found = {role for role in ROLES for name in names or () if name.upper() == role}
    if unknown := [name for name in names or () if name.upper() not in found]:
        raise typer.BadParameter(f"'{unknown[0]}' is not one of {', '.join(ROLES)}.", param_hint=option)
    return frozenset((*found, *implied))
