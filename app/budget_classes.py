"""Classes of clients, and the budget of a client in each. docs/budgets.md explains them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil

PUBLIC = "public"

#: The classes that clients get by their role, the highest role first. A role without a class of its own has
#: that of the next lower role.
ROLES = ("staff", "instructor", "student", PUBLIC)

#: The maximum size of a budget, and the maximum number of classes and of clients' keys.
MOST_POINTS, MOST_CLASSES, MOST_KEYS = 1_000_000_000, 32, 1_000

#: The price of a sign-in for a budget, if it selects the token and the errors.
SIGN_IN = 461

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNLIMITED = "unlimited"

_SLICES = 10  # a slice is at most this fraction of a budget
_KEPT = 40  # a slice is kept for this fraction of the time in which a budget restores


@dataclass(frozen=True, slots=True)
class BudgetClass:
    """The budget that each client of a class has: at most `size` points, restored at `rate` points a second.

    A budget without a size is unlimited.

    slice: the number of points that a process takes at once, unless a request needs more. least: the smallest
    number that it takes. kept: the seconds for which it keeps them (see app.budgets.bucket). full_fields:
    the header fields `RateLimit-Policy` and `RateLimit` while the budget is full.
    """

    name: str
    rate: int = 0
    size: int = 0
    slice: int = field(init=False)
    least: int = field(init=False)
    kept: float = field(init=False)
    full_fields: tuple[tuple[bytes, bytes], tuple[bytes, bytes]] = field(init=False)

    def __post_init__(self) -> None:
        part = max(1, self.size // _SLICES)
        object.__setattr__(self, "slice", part)
        object.__setattr__(self, "least", min(ceil(self.rate / 4), part))
        object.__setattr__(self, "kept", self.window / _KEPT)
        policy = f'"{self.name}";q={self.size};w={ceil(self.window)};qu="cost"'
        full = (b"ratelimit-policy", policy.encode()), (b"ratelimit", self._level(self.size, 0))
        object.__setattr__(self, "full_fields", full)

    def fields(self, left: int) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """Returns the header fields `RateLimit-Policy` and `RateLimit` for a budget with `left` points.

        For a full budget, `full_fields` has the same fields, already encoded.
        """
        seconds = -((left - self.size) // self.rate)  # rounded up
        return self.full_fields[0], (b"ratelimit", self._level(left, seconds))

    def _level(self, points: int, seconds: int) -> bytes:
        return f'"{self.name}";r={points};t={seconds}'.encode()

    @property
    def is_unlimited(self) -> bool:
        return not self.size

    @property
    def window(self) -> float:
        """The seconds in which an empty budget is restored in full."""
        return self.size / self.rate if self.rate else 0.0

    def __str__(self) -> str:
        return f"{self.name}={_UNLIMITED if self.is_unlimited else f'{self.rate}:{self.size}'}"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's key, which gives it a class. digest: the SHA-256 of the key, in hexadecimal."""

    class_name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.class_name}:{self.digest}"


def digest_of(key: bytes) -> str:
    """Returns the digest by which a client's key is known to the settings."""
    return sha256(key).hexdigest()


def by_role(classes: Mapping[str, BudgetClass], roles: Set[str]) -> BudgetClass:
    """Returns the class of a client without a key, by the viewer's highest role."""
    names = ROLES[next((i for i, role in enumerate(ROLES) if role.upper() in roles), -1) :]
    return next(classes[name] for name in names if name in classes)


def read_classes(text: str) -> tuple[BudgetClass, ...]:
    """Reads classes from `name=rate:size` and `name=unlimited`, separated by commas.

    Raises ValueError, with a text that completes a sentence that begins with the setting's name.
    """
    classes = tuple(map(_read_class, _entries(text)))
    names = [found.name for found in classes]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"must name each class once; `{min(repeated)}` is repeated")
    if classes and PUBLIC not in names:
        raise ValueError(f"must have the class `{PUBLIC}`, for clients that are not signed in")
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"must have at most {MOST_CLASSES} classes")
    return classes


def about_sizes(classes: Iterable[BudgetClass]) -> Iterator[str]:
    """Yields a warning for each class whose budget can never hold what a sign-in needs."""
    for kind in classes:
        if not kind.is_unlimited and kind.size < SIGN_IN:
            yield (
                f"The budget {kind} is too small for a sign-in, which needs {SIGN_IN} points: "
                "choose a larger size in LECTERN_BUDGETS."
            )


def read_keys(text: str) -> tuple[ClientKey, ...]:
    """Reads clients' keys from `class:digest`, separated by commas. Raises ValueError like `read_classes`."""
    keys = tuple(_read_key(number, entry) for number, entry in enumerate(_entries(text), 1))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError("must have each key once")
    if len(keys) > MOST_KEYS:
        raise ValueError(f"must have at most {MOST_KEYS:,} keys")
    return keys


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _read_class(entry: str) -> BudgetClass:
    name, _, budget = (part.strip() for part in entry.partition("="))
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"must be classes such as `{PUBLIC}=500:20000`, whose names are up to 32 lower-case letters, "
            f"digits, `-` and `_`, and begin with a letter; `{entry}` is not valid"
        )
    if budget == _UNLIMITED:
        return BudgetClass(name)
    rate, size = (_number(part) for part in (budget.partition(":")[::2]))
    if not 0 < rate <= size <= MOST_POINTS:
        raise ValueError(
            f"must give the points restored in a second and the size, such as `{name}=500:20000`, or "
            f"`{name}={_UNLIMITED}`; the size is at least the rate and at most {MOST_POINTS:,}; `{entry}` is "
            "not valid"
        )
    return BudgetClass(name, rate, size)


def _number(text: str) -> int:
    """Returns a whole number; 0 if the text is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_POINTS)) else 0


def _read_key(number: int, entry: str) -> ClientKey:
    name, _, digest = (part.strip() for part in entry.partition(":"))
    if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
        raise ValueError(
            "must be a class and the SHA-256 of a key for each client, as `lectern client-key` prints them; "
            f"entry {number} is not valid"  # it could be a key, so it isn't shown
        )
    return ClientKey(name, digest)
