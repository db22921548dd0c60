"""Encodes a response as JSON: a small response in one piece, a large one in slices.

Encoding a slice blocks the event loop only briefly and takes little memory. A thread would not help, because
orjson holds the interpreter's lock (GIL), so the event loop would be blocked anyway.
"""

from asyncio import sleep
from collections.abc import Collection, Iterator
from random import choice, randrange
from typing import Any, TypeAlias

import orjson

from app.execution.pace import pace

_Container: TypeAlias = dict[str, Any] | list[Any]  # the members are any JSON values, or datetimes

_Member: TypeAlias = tuple[object, Any]  # the key and value in an object, or the index and item in a list

_SLICE = 128 * 1024  # size of a slice in bytes; encoding one takes about 1 ms
_RUN = 8  # long lists and objects are split into runs of this length; one member per run is measured
_KEY, _VALUE = 10, 6  # assumed minimum size of a key, and of a value, in bytes

#: With these options, orjson writes a datetime without a time zone in the same format as
#: resolvers.values.scalars.written, but 20 times as fast.
_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


class ResponseTooLargeError(Exception):
    """The JSON of a response is larger than allowed."""


def encoded(payload: object) -> bytes:
    """Encodes a response as JSON, in one piece.

    Raises TypeError for a value that JSON can't represent.
    """
    whole = _whole(payload)
    return b"".join(slices(payload)) if whole is None else whole


def encode_at_once(payload: object, limit: int) -> list[bytes]:
    """Encodes a response as JSON. Like `encode_bounded`, but in one piece and without pausing."""
    whole = encoded(payload)
    if len(whole) > limit:
        raise ResponseTooLargeError
    return [whole]


async def encode_bounded(payload: object, limit: int) -> list[bytes]:
    """Encodes a response as JSON in slices, pausing after each so that other requests can run.

    Encoding stops as soon as the response is too large. Raises ResponseTooLargeError if the response exceeds
    `limit` bytes, and TypeError for a value that JSON can't represent.
    """
    encoded_slices: list[bytes] = []
    bytes_left = limit
    for piece in slices(payload):
        bytes_left -= len(piece)
        if bytes_left < 0:
            raise ResponseTooLargeError
        encoded_slices.append(piece)
        await sleep(0)
        await pace.turn()
    return encoded_slices


def slices(payload: object, size: int = _SLICE) -> Iterator[bytes]:
    """Yields a response as JSON in slices of about `size` bytes. Even a very long string is not split."""
    pending: list[bytes] = []
    length = 0
    for piece in _pieces(payload, size):
        pending.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(pending)
            pending, length = [], 0
    if pending:
        yield b"".join(pending)


def _pieces(payload: object, size: int) -> Iterator[bytes]:
    """Yields a response as small pieces of JSON.

    It uses a stack instead of recursion, because a response can be nested deeper than Python's recursion
    limit.
    """
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
    """Yields a container's JSON in parts.

    A nested container that is too large or too deep to encode at once is yielded unencoded.
    """
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
    """Groups consecutive members of an object or a list.

    Yields each group with its weight, an estimate of its size in bytes. The weight is less than `size`,
    unless the group is a single large member.
    """
    members = list(container.items() if isinstance(container, dict) else enumerate(container))
    group: list[_Member] = []
    weight = 0.0
    for run_weight, run in _weighed(members, size):
        if group and weight + run_weight >= size:
            yield weight, group
            group, weight = [], 0
        group += run
        weight += run_weight
    if group:
        yield weight, group


def _weighed(members: list[_Member], size: int) -> Iterator[tuple[float, list[_Member]]]:
    """Yields runs of consecutive members (fields or items), each with its estimated size in bytes (weight).

    If there are many small members, a run has eight of them, and its size is estimated from a single member.
    This member is chosen at random, so that a client can't hide large members from the estimate.
    """
    if len(members) == 1:
        # A container's only member isn't measured. It counts as too large to encode at once, so that its own
        # members are measured instead.
        yield size, members
        return
    length = _RUN if len(members) >= 2 * _RUN else 1
    for start in range(0, len(members), length):
        run = members[start : start + length]
        weight = _weight(choice(run)[1], size) * len(run)  # noqa: S311  # not a secret
        if weight < size or length == 1:
            yield weight, run
        else:
            yield from ((_weight(member[1], size), [member]) for member in run)


def _weight(value: object, limit: int) -> float:
    """Estimates the size of a value's JSON in bytes. Stops counting at `limit`.

    In a long list, only one member in eight is counted, because members of a list tend to be similar.
    """
    weight = 0.0
    values: list[tuple[object, float]] = [(value, 1)]
    while values and weight < limit:
        value, times = values.pop()
        if type(value) is dict:
            members: Collection[object] = value.values()
            weight += times * _KEY * len(value)
        elif type(value) is list and len(value) >= 2 * _RUN:
            members = value[randrange(_RUN) :: _RUN]  # noqa: S311  # not a secret
            times *= len(value) / len(members)
        else:
            members = value if type(value) is list else (value,)
        weight += times * _VALUE * len(members)
        for member in members:
            kind = type(member)
            if kind is str:
                weight += times * len(member)  # type: ignore[arg-type]  # `kind` does not narrow the type
            elif kind is dict or kind is list:
                values.append((member, times))
    return weight


def _whole(payload: object) -> bytes | None:
    """Encodes a value as JSON; returns None if it is nested deeper than the 254 levels orjson supports."""
    try:
        return orjson.dumps(payload, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if "Recursion limit" not in str(error):
            raise
        return None
