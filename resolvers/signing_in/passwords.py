"""Password hashes: argon2id (RFC 9106) with the parameters that OWASP recommends.

Hashes are computed in separate threads, so that they never block the event loop. At most two are computed
concurrently, because each takes 19 MiB of memory.
"""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_threads = ThreadPoolExecutor(2, "passwords")

#: If there is no stored hash, the password is checked against this one, so that the refusal takes as long as
#: it would for a wrong password.
_DUMMY_HASH = _hasher.hash("nobody's")


async def hash_password(password: str) -> str:
    """Returns the hash to store for a password."""
    return await _in_thread(lambda: _hasher.hash(password))


async def verify(password: str, stored: str | None) -> bool:
    """Returns whether a password matches the stored hash.

    If there is no stored hash (None), returns False, and takes as long as for a wrong password.
    """
    matches = await _in_thread(lambda: _matches(password, stored or _DUMMY_HASH))
    return matches and stored is not None


def _matches(password: str, stored: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


async def _in_thread(function: Callable[[], T]) -> T:
    return await get_running_loop().run_in_executor(_threads, function)
