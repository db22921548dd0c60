"""Cursors: opaque, signed, and valid for one list only.

A cursor is base64url(signature + BSON of the element's key). The signature covers the list (field, filter,
order and parent), so a cursor can't be forged or used with another list. Written by hand, because the
cursors of strawberry.relay are unsigned offsets, and these carry a signed key.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, NamedTuple, TypeAlias

from bson import CodecOptions, ObjectId, decode, encode

from loaders.model import Document
from loaders.mongo import id_bytes
from loaders.reading import Key
from resolvers.errors import InvalidCursorError

_SIGNATURE_SIZE = 12  # bytes
_MAX_LENGTH = 2_000  # characters; the titles in ordering keys are shorter
_CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True)

#: What identifies the list of one parent: an ObjectId, a slug, or loaders.reading.WHOLE.
ParentKey: TypeAlias = Any


class Cursors:
    """Makes and reads cursors signed with a secret. Gateways with the same secret share their cursors."""

    def __init__(self, secret: bytes) -> None:
        self._secret = blake2b(secret, person=b"lectern-cursors").digest()

    def scope(self, name: str) -> "Scope":
        """Returns the cursors of a list, or of one such list per parent.

        name: distinguishes the list from every other one, by its field, filter and order.
        """
        unfinished = blake2b(name.encode(), key=self._secret, digest_size=_SIGNATURE_SIZE)
        return Scope(unfinished.copy)


class DecodedCursor(NamedTuple):
    """A cursor that came as an argument.

    key: the key of its element. matches: for each parent, whether the cursor belongs to that parent's list.
    """

    key: Key
    matches: Sequence[bool]


class Scope:
    """Makes and reads the cursors of a list that may exist once per parent.

    new_digest: returns a keyed hash that already covers the name of the list.
    """

    def __init__(self, new_digest: Callable[[], blake2b]) -> None:
        self._new_digest = new_digest

    def cursor(self, parent: ParentKey, key: Key) -> str:
        """Returns the cursor of the element with this key in the list of a parent."""
        payload = encode({"k": key.value, "i": key.id})
        return urlsafe_b64encode(self._sign(parent, payload) + payload).decode()

    def read(self, cursor: str, argument: str, parents: Sequence[ParentKey]) -> DecodedCursor:
        """Decodes a cursor that was passed to the lists of some parents.

        argument: the name of the argument, for the message. Raises InvalidCursorError if the cursor belongs
        to none of the lists.
        """
        signature, payload = _split(cursor)
        matches = [compare_digest(signature, self._sign(parent, payload)) for parent in parents]
        if not any(matches):
            raise invalid_cursor(argument)
        document = decode(payload, codec_options=_CODEC)
        return DecodedCursor(Key(document["k"], document["i"]), matches)

    def _sign(self, parent: ParentKey, payload: bytes) -> bytes:
        signature = self._new_digest()
        # An ObjectId has a fixed length and a slug ends with a null byte, so the payload can't be mistaken
        # for a part of either.
        signature.update(
            (id_bytes(parent) if type(parent) is ObjectId else parent.encode() + b"\0") + payload
        )
        return signature.digest()


def invalid_cursor(argument: str) -> InvalidCursorError:
    return InvalidCursorError(
        f"`{argument}` is not a cursor of this list. A cursor is valid only for the field, filter, order and "
        "parent it came with: leave it out to start from the beginning."
    )


def _split(cursor: str) -> tuple[bytes, bytes]:
    """Returns the signature and the payload; both are empty if `Scope.cursor` can't have made the cursor."""
    try:
        raw = urlsafe_b64decode(cursor.encode()) if len(cursor) <= _MAX_LENGTH else b""
    except ValueError:
        raw = b""
    if urlsafe_b64encode(raw).decode() != cursor:  # b64decode skips characters outside its alphabet
        raw = b""
    return raw[:_SIGNATURE_SIZE], raw[_SIGNATURE_SIZE:]
