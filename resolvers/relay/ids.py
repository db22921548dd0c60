"""Relay global IDs: three bytes for the type and the twelve of the ObjectId, base64url, 20 characters."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bson import ObjectId

from loaders.mongo.commands import id_bytes

_CODES: Mapping[str, bytes] = {
    "AuditEntry": b"aud",
    "Category": b"cat",
    "Course": b"crs",
    "CourseRun": b"run",
    "Enrollment": b"enr",
    "Instructor": b"ins",
    "Review": b"rev",
    "Student": b"stu",
}
_TYPES = {code: type_name for type_name, code in _CODES.items()}
_LENGTH = 20
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# Three bytes are four characters of base64, so the type is a prefix of its own.
_PREFIXES = {type_name: urlsafe_b64encode(code).decode() for type_name, code in _CODES.items()}


class GlobalId(NamedTuple):
    type_name: str
    id: ObjectId


def encoder(type_name: str) -> Callable[[Mapping[str, Any]], str]:
    """The function that gives the global ID of a document of a type."""
    prefix = _PREFIXES[type_name]

    # What urlsafe_b64encode does, without its two calls: every object of a response has an ID.
    def encode(document: Mapping[str, Any]) -> str:
        encoded = b2a_base64(id_bytes(document["_id"]), newline=False)
        return prefix + encoded.translate(_URL_SAFE).decode()

    return encode


def encode(type_name: str, document: Mapping[str, Any]) -> str:
    """The global ID of a document."""
    return encoder(type_name)(document)


def decode(global_id: str) -> GlobalId | None:
    """The type and ObjectId; None for what is no ID of ours."""
    if len(global_id) != _LENGTH:
        return None
    try:
        raw = urlsafe_b64decode(global_id.encode("ascii"))
    except ValueError:
        return None
    type_name = _TYPES.get(raw[:3])
    # One form only: what decodes but isn't what `encode` writes is not an ID either.
    if type_name is None or urlsafe_b64encode(raw).decode() != global_id:
        return None
    return GlobalId(type_name, ObjectId(raw[3:]))


def decode_as(type_name: str, global_id: str | None) -> ObjectId | None:
    """The ObjectId; None for no ID, or for one of another type."""
    decoded = decode(global_id) if global_id is not None else None
    return decoded.id if decoded and decoded.type_name == type_name else None
