"""Password hashes: argon2id (RFC 9106) with the parameters that OWASP recommends.

Hashes are computed in separate threads, so that they never block the event loop. At most two are computed
concurrently, because each takes 19 MiB of memory. The others wait, but neither many nor for long.
"""

from asyncio import get_running_loop, timeout
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from loaders.mongo import without_lock
from resolvers.errors import HashingOverloadedError

T = TypeVar("T")

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

MAX_PENDING = 50  # maximum number of hashes that are being computed or waiting
_LONGEST = 5.0  # seconds that a hash can take, including its wait

#: If there is no stored hash, the password is checked against this one, so that the refusal takes as long as
#: it would for a wrong password.
_DUMMY_HASH = _hasher.hash("nobody's")


async def hash_password(password: str) -> str:
    """Returns the hash to store for a password. Raises HashingOverloadedError."""
    return await _queue.run(lambda: _hasher.hash(password))


async def verify(password: str, stored: str | None) -> bool:
    """Returns whether a password matches the stored hash. Raises HashingOverloadedError.

    If there is no stored hash (None), returns False, and takes as long as for a wrong password.
    """
    matches = await _queue.run(lambda: _matches(password, stored or _DUMMY_HASH))
    return matches and stored is not None


def _matches(password: str, stored: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class _Queue:
    """The hashes that are being computed or waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, "passwords")
        self._pending = 0

    async def run(self, function: Callable[[], T]) -> T:
        """Calls a function in a thread. Raises HashingOverloadedError instead of waiting for long.

        A call that has waited too long is dropped without being made.
        """
        if self._pending >= MAX_PENDING:
            raise _overloaded()
        self._pending += 1
        try:
            async with timeout(_LONGEST):
                return await get_running_loop().run_in_executor(self._threads, without_lock, function)
        except TimeoutError:
            raise _overloaded() from None
        finally:
            self._pending -= 1


_queue = _Queue()


def _overloaded() -> HashingOverloadedError:
    return HashingOverloadedError("Too many people are signing in at the moment: try again in a few seconds.")
