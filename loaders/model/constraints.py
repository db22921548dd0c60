"""Constraints on stored values, used in the annotations of the TypedDicts in `documents`."""

from collections.abc import Callable
from dataclasses import dataclass

from loaders.model.web_addresses import url_problem


@dataclass(frozen=True, slots=True)
class Between:
    """The value must be a number from `low` to `high`. If `high` is None, there is no upper bound."""

    low: float
    high: float | None = None

    def reason(self, value: float) -> str | None:
        if value >= self.low and (self.high is None or value <= self.high):
            return None
        return f"is below {self.low:g}" if self.high is None else f"is not from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Coded:
    """The value must be a code from a standard, such as ISO 4217.

    is_code: a function that returns whether a string is such a code.
    """

    is_code: Callable[[str], bool]
    standard: str

    def reason(self, value: str) -> str | None:
        return None if self.is_code(value) else f"is not a valid {self.standard} code"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """The value must be a URL that pages can show or link to."""

    https_only: bool = False

    def reason(self, value: str) -> str | None:
        return url_problem(value, https_only=self.https_only)


@dataclass(frozen=True, slots=True)
class AtMost:
    """The value must be a list of at most `most` values; further values are not shown."""

    most: int

    def reason(self, value: list[object]) -> str | None:
        return None if len(value) <= self.most else f"has more than {self.most} values"


@dataclass(frozen=True, slots=True)
class Exactly:
    """The value must be a list of exactly `length` values.

    Unlike the other constraints, this one counts as part of the type, because code relies on the length.
    """

    length: int


@dataclass(frozen=True, slots=True)
class Refers:
    """The value must be equal to the `field` of a document in another collection."""

    collection: str
    field: str = "_id"


Constraint = Between | Coded | WebAddress | AtMost
