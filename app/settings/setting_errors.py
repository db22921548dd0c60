"""Formats errors in settings: one line for each setting, which says what its value must be."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.settings.environment import variable

_LONGEST = 40  # the number of characters of a wrong value that are shown

_KINDS: Mapping[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}
_BOUNDS = {
    "gt": "greater than {}", "ge": "of at least {}", "le": "at most {}",
    "min_length": "with {} or more characters", "max_length": "at most {}",
}  # fmt: skip


def explain(error: ValidationError, fields: Mapping[str, FieldInfo]) -> str:
    """Returns one line for each invalid setting. No line contains the value of a secret."""
    errors = {str(details["loc"][0]): details for details in error.errors()}
    return "\n".join(f"{variable(name)} {_reason(errors[name], fields[name])}." for name in errors)


def _reason(details: ErrorDetails, field: FieldInfo) -> str:
    if details["type"] == "value_error":  # raised by a validator of ours
        return str(details["ctx"]["error"])
    shown = "" if field.annotation is SecretStr else f", not {_shortened(str(details['input']))!r}"
    return f"must be {_required(field)}{shown}"


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "…"


def _required(field: FieldInfo) -> str:
    """Describes the valid values of a setting, for example "a whole number greater than 0"."""
    if get_origin(field.annotation) is Literal:
        *others, last = get_args(field.annotation)
        return f"{', '.join(others)} or {last}"
    kind = _KINDS.get(field.annotation, "text")
    bounds = [
        words.format(bound)
        for constraint in field.metadata
        for name, words in _BOUNDS.items()
        if (bound := getattr(constraint, name, None)) is not None
    ]
    return f"{kind} {' and '.join(bounds)}" if bounds else kind
