"""An answer as JSON: at once when it is small, else in slices that hold neither the loop nor much memory.

orjson holds the interpreter's lock, so a thread would hold the loop all the same.
"""

from asyncio import sleep
from collections.abc import Collection, Iterator
from random import choice, randrange
from typing import Any, TypeAlias

import orjson

from app.execution.pace import pace

_Container: TypeAlias = dict[str, Any] | list[Any]

_Member: TypeAlias = tuple[object, Any]

_SLICE = 128 * 1024  # bytes, about 1 ms
_RUN = 8  # members of a long list of which one is weighed
_KEY, _VALUE = 10, 6  # bytes that a key and a value have at the least, or about

#: A moment without a zone is written as resolvers.values.scalars.written does, in a twentieth of the time.
_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


class ResponseTooLargeError(Exception):
    """The JSON of an answer has more bytes than it may have."""


def encoded(payload: object) -> bytes:
    """A response as JSON, in one piece.

    Raises TypeError for what JSON can't hold.
    """
    whole = _whole(payload)
    return b"".join(slices(payload)) if whole is None else whole


def encode_at_once(payload: object, most: int) -> list[bytes]:
    """A response as JSON, as `bounded` makes it, in one piece."""
    whole = encoded(payload)
    if len(whole) > most:
        raise ResponseTooLargeError
    return [whole]


async def encode_bounded(payload: object, most: int) -> list[bytes]:
    """A response as JSON in slices, with a pause for others after each. It is given up as soon as it is too
    large.

    Raises ResponseTooLargeError past `most` bytes, and TypeError for what JSON can't hold.
    """
    made: list[bytes] = []
    for piece in slices(payload):
        most -= len(piece)
        if most < 0:
            raise ResponseTooLargeError
        made.append(piece)
        await sleep(0)
        await pace.turn()
    return made


def slices(payload: object, size: int = _SLICE) -> Iterator[bytes]:
    """A response as JSON in parts of about `size` bytes; a text is in one part, however long it is."""
    made: list[bytes] = []
    length = 0
    for piece in _pieces(payload, size):
        made.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(made)
            made, length = [], 0
    if made:
        yield b"".join(made)


def _pieces(payload: object, size: int) -> Iterator[bytes]:
    """With a stack, not by recursion: an answer may be deeper than Python's."""
    opened = [_parts([payload], size, brackets=False)]
    while opened:
        part = next(opened[-1], None)
        if part is None:
            opened.pop()
        elif isinstance(part, bytes):
            yield part
        else:
            opened.append(_parts(part, size))


def _parts(container: _Container, size: int, *, brackets: bool = True) -> Iterator[bytes | _Container]:
    """A container's JSON. A member that is too large or too deep to be written at once comes as it is."""
    is_object = isinstance(container, dict)
    opening, closing = (b"{", b"}") if is_object else (b"[", b"]")
    yield opening if brackets else b""
    separator = b""
    for weight, group in _groups(container, size):
        whole = _whole(dict(group) if is_object else [value for _, value in group]) if weight < size else None
        if whole is not None:
            yield separator + whole[1:-1]
            separator = b","
            continue
        for key, value in group:
            yield separator + (orjson.dumps(key) + b":" if is_object else b"")
            separator = b","
            yield value if isinstance(value, dict | list) else orjson.dumps(value, option=_OPTIONS)
    yield closing if brackets else b""


def _groups(container: _Container, size: int) -> Iterator[tuple[float, list[_Member]]]:
    """The members in their order, as many together as weigh less than `size`; a heavier one is alone."""
    members = list(container.items() if isinstance(container, dict) else enumerate(container))
    group: list[_Member] = []
    weight = 0.0
    for more, some in _weighed(members, size):
        if group and weight + more >= size:
            yield weight, group
            group, weight = [], 0
        group += some
        weight += more
    if group:
        yield weight, group


def _weighed(members: list[_Member], size: int) -> Iterator[tuple[float, list[_Member]]]:
    """Runs of members with their weights: eight at a time by one of them, where they are many and light.
    Which one is drawn at random, so that nobody can hide what is long.
    """
    if len(members) == 1:
        yield size, members  # whether it is heavy is seen below
        return
    run = _RUN if len(members) >= 2 * _RUN else 1
    for start in range(0, len(members), run):
        some = members[start : start + run]
        weight = _weight(choice(some)[1], size) * len(some)  # noqa: S311
        if weight < size or run == 1:
            yield weight, some
        else:
            yield from ((_weight(member[1], size), [member]) for member in some)


def _weight(value: object, most: int) -> float:
    """About how many bytes of JSON a value makes; counting stops at `most`. Of a long list a part is counted:
    what it is made of is alike.
    """
    weight = 0.0
    values: list[tuple[object, float]] = [(value, 1)]
    while values and weight < most:
        value, times = values.pop()
        if type(value) is dict:
            members: Collection[object] = value.values()
            weight += times * _KEY * len(value)
        elif type(value) is list and len(value) >= 2 * _RUN:
            members = value[randrange(_RUN) :: _RUN]  # noqa: S311
            times *= len(value) / len(members)
        else:
            members = value if type(value) is list else (value,)
        weight += times * _VALUE * len(members)
        for member in members:
            kind = type(member)
            if kind is str:
                weight += times * len(member)  # type: ignore[arg-type]
            elif kind is dict or kind is list:
                values.append((member, times))
    return weight


def _whole(payload: object) -> bytes | None:
    """None when it is deeper than orjson goes: 254 levels."""
    try:
        return orjson.dumps(payload, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if "Recursion limit" not in str(error):
            raise
        return None
