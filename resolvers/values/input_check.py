"""A check of an input value, and the errors that it raises."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from resolvers.errors import Reason
from resolvers.inputs import Bounds

#: The value of an input field. Any, because different checks take different types.
InputValue: TypeAlias = Any
#: The value to store for an input field. Any, because different checks return different types.
StoredValue: TypeAlias = Any

_UNBOUNDED = Bounds()


@dataclass(frozen=True)
class Check:
    """A check of an input value: returns the value to store, or raises InvalidValueError.

    bounds: the bounds that it enforces, which the schema publishes.
    """

    function: Callable[[InputValue], StoredValue]
    bounds: Bounds = _UNBOUNDED

    def __call__(self, value: InputValue) -> StoredValue:
        return self.function(value)


class InvalidValueError(ValueError):
    """Raised if an input value is not valid. The message is for the person who filled in the form.

    reason, params: what is wrong, for clients that show errors in their own words (see UserErrorDoc).
    """

    code = "INVALID"

    # Any, because params can be of any JSON type
    def __init__(self, message: str, reason: Reason | None, **params: Any) -> None:
        super().__init__(message)
        self.reason = reason
        self.params = params


class NotFoundError(InvalidValueError):
    """Raised if an ID does not identify an object of the expected type."""

    code = "NOT_FOUND"

    def __init__(self, message: str) -> None:
        super().__init__(message, None)
