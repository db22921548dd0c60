"""Cursors: opaque, signed, and valid for only one list.

A cursor is base64url(signature + BSON of the element's ordering key). The signature covers the list (its
field, filter, order and parent), so a cursor can't be forged or used with a different list. This is our own
implementation, because the cursors of strawberry.relay are unsigned offsets, not signed keys.
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

_SIGNATURE_SIZE = 12  # length of a cursor's signature, in bytes
_MAX_LENGTH = 2_000  # maximum length of a cursor, in characters; enough even if it contains a long title
_CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True)

#: Identifies the parent of a list: an ObjectId, a slug, or loaders.reading.WHOLE if the list has no parent.
ParentKey: TypeAlias = Any


class Cursors:
    """Creates and reads cursors signed with a secret.

    Gateways with the same secret accept each other's cursors.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = blake2b(secret, person=b"lectern-cursors").digest()

    def scope(self, name: str, searched_for: str | None = None) -> "Scope":
        """Returns the Scope of a list's cursors. Lists with the same field, filter and order share a Scope.

        name: identifies the combination of field, filter and order. searched_for: the corrected search,
        or None if the search in the filter was not corrected. The cursors contain the corrected search, so
        that the next page is fetched with the same search.
        """
        unfinished = blake2b(name.encode(), key=self._secret, digest_size=_SIGNATURE_SIZE)
        return Scope(unfinished.copy, searched_for)


class DecodedCursor(NamedTuple):
    """The result of decoding a cursor that was passed as an argument.

    key: the ordering key of the cursor's element. matches: for each parent, whether the cursor belongs to
    that parent's list. searched_for: the corrected search, or None if the search in the filter was
    not corrected.
    """

    key: Key
    matches: Sequence[bool]
    searched_for: str | None = None


class Scope:
    """Creates and reads the cursors of lists that have the same field, filter and order.

    new_digest: returns a new keyed hash of the field, filter and order. `_sign` adds the parent and the
    cursor's payload to it.
    """

    def __init__(self, new_digest: Callable[[], blake2b], searched_for: str | None = None) -> None:
        self._new_digest = new_digest
        self.searched_for = searched_for

    def cursor(self, parent: ParentKey, key: Key) -> str:
        """Returns the cursor for the element with this ordering key in the list of this parent."""
        replaced = {"s": self.searched_for} if self.searched_for is not None else {}
        payload = encode({"k": key.value, "i": key.id, **replaced})
        return urlsafe_b64encode(self._sign(parent, payload) + payload).decode()

    def read(self, cursor: str, argument: str, parents: Sequence[ParentKey]) -> DecodedCursor:
        """Decodes a cursor that was passed as an argument, and finds the lists that it belongs to.

        argument: the name of the argument, used in the error message. parents: the parents of the lists to
        which the argument applies. Raises InvalidCursorError if the cursor belongs to none of these lists.
        """
        signature, payload = _split(cursor)
        matches = [compare_digest(signature, self._sign(parent, payload)) for parent in parents]
        if not any(matches):
            raise invalid_cursor(argument)
        document = decode(payload, codec_options=_CODEC)
        return DecodedCursor(Key(document["k"], document["i"]), matches, document.get("s"))

    def _sign(self, parent: ParentKey, payload: bytes) -> bytes:
        signature = self._new_digest()
        # Different pairs of parent and payload always give different bytes, because an ObjectId has a fixed
        # length and a slug is followed by a null byte.
        signature.update(
            (id_bytes(parent) if type(parent) is ObjectId else parent.encode() + b"\0") + payload
        )
        return signature.digest()


def invalid_cursor(argument: str) -> InvalidCursorError:
    return InvalidCursorError(
        f"`{argument}` is not a cursor of this list. A cursor is valid only for the field, filter, order and"
        " parent that it was issued for. Omit it to start from the beginning."
    )


def _split(cursor: str) -> tuple[bytes, bytes]:
    """Splits a cursor into its signature and payload.

    Both are empty if the cursor can't have been created by `Scope.cursor`.
    """
    try:
        raw = urlsafe_b64decode(cursor.encode()) if len(cursor) <= _MAX_LENGTH else b""
    except ValueError:
        raw = b""
    # Decoding skips characters that are not in the base64 alphabet, so several strings decode to the same
    # bytes. Only the canonical string is accepted.
    if urlsafe_b64encode(raw).decode() != cursor:
        raw = b""
    return raw[:_SIGNATURE_SIZE], raw[_SIGNATURE_SIZE:]
