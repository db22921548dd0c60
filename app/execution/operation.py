"""An operation, and the two things that can come of it: an answer, or the refusal to run it."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

#: What runs an operation: a compiled plan, or graphql-core.
Engine: TypeAlias = Literal["compiled", "reference"]

#: An error of a response, as the specification has it: message, locations, path, extensions.
ErrorDict: TypeAlias = dict[str, Any]  # JSON

_NOTHING: Mapping[str, Set[Any]] = {}


class Operation(NamedTuple):
    """What a client asks for. size: bytes of the request that it came in."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    size: int = 0


class Refusal(NamedTuple):
    """Why an operation is not run: errors that share one code, and no data."""

    errors: Sequence[ErrorDict]

    @property
    def code(self) -> str:
        """The code of its errors."""
        return str(self.errors[0]["extensions"]["code"])

    @property
    def payload(self) -> dict[str, Any]:
        """The response."""
        return {"errors": list(self.errors)}


class Answer(NamedTuple):
    """The response to an operation that was run: JSON, and what is known of it.

    body: in parts, in order; a large answer has several, and is never copied as a whole. errors: those in it.
    has_data: whether there are no errors, or a field of the root has a value all the same. engine: what ran
    the operation. reads: the collections it was read from, with the `_id`s of documents, if the request
    records them (loaders.mongo.Scope). cacheable: whether the same request would get the same answer while
    what it read stays the same: a query without errors from a viewer without a token.
    """

    body: list[bytes]
    errors: Sequence[ErrorDict]
    has_data: bool
    engine: Engine
    reads: Mapping[str, Set[Any]] = _NOTHING
    cacheable: bool = False

    @property
    def payload(self) -> dict[str, Any]:
        """The response, decoded."""
        payload: dict[str, Any] = orjson.loads(b"".join(self.body))
        return payload
