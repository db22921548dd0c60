"""Passwords: argon2id (RFC 9106) by OWASP's parameters, in threads of its own, so that the loop never waits.

Two at once: each takes 19 MiB.
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

#: Of no password: looked at where there is no account, so that the answer takes as long.
_NOBODYS = _hasher.hash("nobody's")


async def hashed(password: str) -> str:
    """What is stored of a password."""
    return await _in_thread(lambda: _hasher.hash(password))


async def is_right(password: str, stored: str | None) -> bool:
    """Whether it is the password that was stored. It takes as long when none was."""
    right = await _in_thread(lambda: _verified(password, stored or _NOBODYS))
    return right and stored is not None


def _verified(password: str, stored: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


async def _in_thread(function: Callable[[], T]) -> T:
    return await get_running_loop().run_in_executor(_threads, function)
