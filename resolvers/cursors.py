"""Cursors: opaque, signed, and good for one list only.

A cursor is base64url(signature + BSON of the element's key). The signature covers the list that it was made
for (field, filter, order and parent), so that a cursor can't be forged, and can't be used where it means
nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, NamedTuple

from bson import CodecOptions, ObjectId, decode, encode

from loaders.mongo import id_bytes
from loaders.reading import Key
from resolvers.errors import InvalidCursorError

_SIGNATURE = 12  # bytes
_LONGEST = 2_000  # characters; titles that lists are ordered by are shorter
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


class Cursors:
    """Makes and reads the cursors of one secret. Gateways with the same secret take each other's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = blake2b(secret, person=b"lectern-cursors").digest()

    def scope(self, of: str) -> "Scope":
        """The cursors of a list, or of one such list for each parent. `of` tells it from every other: its
        field, filter and order.
        """
        signed = blake2b(of.encode(), key=self._secret, digest_size=_SIGNATURE)
        return Scope(signed.copy)


class Read(NamedTuple):
    """What a cursor that came as an argument says: the key, and for each parent whether it is of its list."""

    key: Key
    is_of: Sequence[bool]


class Scope:
    """The cursors of a list for each of some parents: ObjectIds or slugs."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start

    def cursor(self, parent: Any, key: Key) -> str:
        payload = encode({"k": key.value, "i": key.id})
        return urlsafe_b64encode(self._sign(parent, payload) + payload).decode()

    def read(self, cursor: str, argument: str, parents: Sequence[Any]) -> Read:
        """A cursor that came as an argument of the lists of some parents.

        Raises InvalidCursorError for what is not a cursor of any of them.
        """
        signature, payload = _split(cursor)
        is_of = [compare_digest(signature, self._sign(parent, payload)) for parent in parents]
        if not any(is_of):
            raise refused(argument)
        document = decode(payload, codec_options=_CODEC)
        return Read(Key(document["k"], document["i"]), is_of)

    def _sign(self, parent: Any, payload: bytes) -> bytes:
        signed = self._start()
        # Both have an end of their own: what comes behind can't be taken for a part of them.
        signed.update((id_bytes(parent) if type(parent) is ObjectId else parent.encode() + b"\0") + payload)
        digest: bytes = signed.digest()
        return digest


def refused(argument: str) -> InvalidCursorError:
    return InvalidCursorError(
        f"`{argument}` is not a cursor of this list. A cursor is good only for the field, filter, order and "
        "parent it came with: leave it out to start anew."
    )


def _split(cursor: str) -> tuple[bytes, bytes]:
    """The signature and the payload; both empty for what `cursor` never writes."""
    try:
        raw = urlsafe_b64decode(cursor.encode()) if len(cursor) <= _LONGEST else b""
    except ValueError:
        raw = b""
    if urlsafe_b64encode(raw).decode() != cursor:  # it skips foreign characters
        raw = b""
    return raw[:_SIGNATURE], raw[_SIGNATURE:]
