"""Cursors: opaque, signed, and good for one list only.

A cursor is base64url(signature + BSON of the element's key). The signature covers the list that it was made
for (field, filter and order), so that a cursor can't be forged, and can't be used where it means nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest
from typing import Any

from bson import CodecOptions, decode, encode

from loaders.listing import Key
from resolvers.errors import InvalidCursorError

_SIGNATURE = 12  # bytes
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


class Cursors:
    """Makes and reads the cursors of one secret. Gateways with the same secret take each other's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = blake2b(secret, person=b"lectern-cursors").digest()

    def scope(self, of: str) -> "Scope":
        """The cursors of one list. `of` tells it from every other: its field, filter and order."""
        signed = blake2b(of.encode(), key=self._secret, digest_size=_SIGNATURE)
        return Scope(signed.copy)


class Scope:
    """The cursors of one list."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start

    def cursor(self, key: Key) -> str:
        payload = encode({"k": key.value, "i": key.id})
        return urlsafe_b64encode(self._sign(payload) + payload).decode()

    def key(self, cursor: str, argument: str) -> Key:
        """The key of a cursor that came as an argument.

        Raises InvalidCursorError for what is not a cursor of this list.
        """
        try:
            raw = urlsafe_b64decode(cursor.encode())
        except ValueError:
            raw = b""
        signature, payload = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not payload or not compare_digest(signature, self._sign(payload)):
            raise InvalidCursorError(
                f"`{argument}` is not a cursor of this list. A cursor is good only for the field, filter and "
                "order it came with: leave it out to start anew."
            )
        document = decode(payload, codec_options=_CODEC)
        return Key(document["k"], document["i"])

    def _sign(self, payload: bytes) -> bytes:
        signed = self._start()
        signed.update(payload)
        digest: bytes = signed.digest()
        return digest
