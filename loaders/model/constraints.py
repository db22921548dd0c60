"""What a stored value must satisfy beyond its type: the annotations of the TypedDicts in `documents`."""

from collections.abc import Callable
from dataclasses import dataclass

from loaders.model.web_addresses import url_problem


@dataclass(frozen=True, slots=True)
class Between:
    """A number in a range, inclusive; None means that there is no bound."""

    low: float
    high: float | None = None

    def reason(self, value: float) -> str | None:
        if value >= self.low and (self.high is None or value <= self.high):
            return None
        return f"is below {self.low:g}" if self.high is None else f"is not from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Coded:
    """A code from a table."""

    is_code: Callable[[str], bool]
    standard: str

    def reason(self, value: str) -> str | None:
        return None if self.is_code(value) else f"is not a code of {self.standard}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL that pages can show, or link to."""

    https_only: bool = False

    def reason(self, value: str) -> str | None:
        return url_problem(value, https_only=self.https_only)


@dataclass(frozen=True, slots=True)
class AtMost:
    """A list of which only so many values are shown."""

    most: int

    def reason(self, value: list[object]) -> str | None:
        return None if len(value) <= self.most else f"has more than {self.most} values"


@dataclass(frozen=True, slots=True)
class Exactly:
    """A list of a fixed length. Unlike the others, it is part of the type: code relies on it."""

    length: int


@dataclass(frozen=True, slots=True)
class Refers:
    """A value that identifies a document of another collection."""

    collection: str
    field: str = "_id"


Constraint = Between | Coded | WebAddress | AtMost
