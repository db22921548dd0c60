"""Reads the manifests of operations that Relay, Apollo and graphql-codegen write.

The formats are distinguished by their shape. Relay (`persistConfig.file`) and graphql-codegen
(`persisted-documents.json`) write an object that maps each id to a text. Apollo
(`generate-persisted-query-manifest`) writes an object with a `format` and a list of operations.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

#: The maximum size of a manifest, in bytes.
MAX_BYTES = 20_000_000
#: The maximum length of an id, in characters.
MAX_ID = 200

_APOLLO = "apollo-persisted-query-manifest"
_FORMATS = (
    'a JSON object that maps ids to texts (Relay, graphql-codegen), or one with "format": '
    f'"{_APOLLO}" and a list of operations (Apollo)'
)

_Json: TypeAlias = Any  # a parsed JSON value, before its type is checked


class ManifestError(ValueError):
    """A manifest can't be read. The message says what is wrong and what was expected."""


class ManifestOperation(NamedTuple):
    """One operation of a manifest. Its id is opaque: it need not be a hash of the text."""

    id: str
    text: str


class _Pairs(list[tuple[str, _Json]]):
    """The members of a JSON object in order, including those with the same name."""


def read_manifest(data: bytes) -> Sequence[ManifestOperation]:
    """Returns the operations of a manifest, in order. Raises ManifestError."""
    if len(data) > MAX_BYTES:
        raise ManifestError(f"It has {len(data):,} bytes; the maximum is {MAX_BYTES:,}.")
    content = _parsed(data)
    if not isinstance(content, _Pairs):
        raise ManifestError(f"It must be {_FORMATS}, not {_kind(content)}.")
    members = _unique(content, "The manifest")
    operations = list(_of_apollo(members) if "operations" in members else _of_map(content))
    if not operations:
        raise ManifestError("It has no operations.")
    _unique([(one.id, one.text) for one in operations], "The manifest")
    for one in operations:
        _check(one)
    return operations


def _parsed(data: bytes) -> _Json:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"It is not UTF-8: see byte {error.start}. Save it as UTF-8.") from None
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except RecursionError:
        raise ManifestError(f"It is nested too deeply; it must be {_FORMATS}.") from None
    except ValueError as error:
        # Python raises it for a very long number too, with advice for programmers after a semicolon.
        raise ManifestError(f"It is not JSON: {str(error).partition(';')[0]}.") from None


def _of_apollo(members: dict[str, _Json]) -> Iterator[ManifestOperation]:
    version = members.get("version")
    if members.get("format") != _APOLLO or version != 1 or version is True:  # True == 1
        raise ManifestError(f'It has `operations`, but not "format": "{_APOLLO}" and "version": 1.')
    listed = members["operations"]
    if not isinstance(listed, list) or isinstance(listed, _Pairs):
        raise ManifestError(f"`operations` must be a list, not {_kind(listed)}.")
    for number, one in enumerate(listed, 1):
        if not isinstance(one, _Pairs):
            raise ManifestError(f"Operation {number} must be an object, not {_kind(one)}.")
        fields = _unique(one, f"Operation {number}")
        yield ManifestOperation(*(_text(fields, name, number) for name in ("id", "body")))


def _text(fields: dict[str, _Json], name: str, number: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        found = _kind(value) if name in fields else "missing"
        raise ManifestError(f"Operation {number}: `{name}` must be a string; it is {found}.")
    return value


def _of_map(content: _Pairs) -> Iterator[ManifestOperation]:
    for name, text in content:
        if not isinstance(text, str):
            raise ManifestError(
                f"`{name[:MAX_ID]}` must be the text of an operation, not {_kind(text)}: "
                f"a manifest is {_FORMATS}."
            )
        yield ManifestOperation(name, text)


def _check(operation: ManifestOperation) -> None:
    name, text = operation
    if not name or len(name) > MAX_ID or not name.isprintable():
        raise ManifestError(f"The id {name[:MAX_ID]!r} must have 1 to {MAX_ID} printable characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ManifestError(f"The text of {name} contains half of a surrogate pair.") from None
    if not text.strip():
        raise ManifestError(f"The text of {name} is empty.")


def _unique(pairs: Sequence[tuple[str, _Json]], where: str) -> dict[str, _Json]:
    found: dict[str, _Json] = {}
    for name, value in pairs:
        if name in found:
            raise ManifestError(f"{where} has `{name[:MAX_ID]}` more than once.")
        found[name] = value
    return found


def _kind(value: _Json) -> str:
    if isinstance(value, _Pairs):
        return "an object"
    names = {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
