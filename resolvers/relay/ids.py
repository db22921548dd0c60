"""Relay global IDs: three bytes for the type and the twelve of the ObjectId, base64url, 20 characters."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.collections import of_type, with_types
from loaders.mongo import id_bytes

_LENGTH = 20
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class GlobalId(NamedTuple):
    type_name: str
    id: ObjectId


def encoder(type_name: str) -> Callable[[Mapping[str, Any]], str]:
    """The function that gives the global ID of a document of a type."""
    row = of_type(type_name)
    assert row is not None and row.id_code is not None  # noqa: S101, PT018  # or it is no type with IDs
    # Three bytes are four characters of base64, so the type is a prefix of its own.
    prefix = urlsafe_b64encode(row.id_code).decode()

    # What urlsafe_b64encode does, without its two calls: every object of a response has an ID.
    def encode(document: Mapping[str, Any]) -> str:
        encoded = b2a_base64(id_bytes(document["_id"]), newline=False)
        return prefix + encoded.translate(_URL_SAFE).decode()

    return encode


def encode_id(type_name: str, document: Mapping[str, Any]) -> str:
    """The global ID of a document."""
    return encoder(type_name)(document)


def decode_id(global_id: str) -> GlobalId | None:
    """The type and ObjectId; None for what is no ID of ours."""
    if len(global_id) != _LENGTH:
        return None
    try:
        raw = urlsafe_b64decode(global_id.encode("ascii"))
    except ValueError:
        return None
    type_name = next((row.type_name for row in with_types() if row.id_code == raw[:3]), None)
    # One form only: what decodes but isn't what `encode` writes is not an ID either.
    if type_name is None or urlsafe_b64encode(raw).decode() != global_id:
        return None
    return GlobalId(type_name, ObjectId(raw[3:]))


def decode_id_as(type_name: str, global_id: str | None) -> ObjectId | None:
    """The ObjectId; None for no ID, or for one of another type."""
    decoded = decode_id(global_id) if global_id is not None else None
    return decoded.id if decoded and decoded.type_name == type_name else None
