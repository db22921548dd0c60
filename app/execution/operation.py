"""An operation, and its two possible results: an answer, or the refusal to run it."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from app.errors import ErrorDict

#: What runs an operation: a compiled plan, or graphql-core.
Engine: TypeAlias = Literal["compiled", "reference"]

JsonObject: TypeAlias = dict[str, Any]  # its values are whatever JSON holds


DocumentIds: TypeAlias = Set[Any]  # an `_id` may have any BSON type

_NO_READS: Mapping[str, DocumentIds] = {}


class Operation(NamedTuple):
    """What a client asks for. size: the bytes of the HTTP body or query string that carried it."""

    query: str
    variables: JsonObject | None = None
    operation_name: str | None = None
    size: int = 0


class Refusal(NamedTuple):
    """The response to an operation that is not run: errors that share one code, and no data."""

    errors: Sequence[ErrorDict]

    @property
    def code(self) -> str:
        """The code of its errors."""
        return str(self.errors[0]["extensions"]["code"])

    @property
    def payload(self) -> JsonObject:
        """The response."""
        return {"errors": list(self.errors)}


class Answer(NamedTuple):
    """The response to an operation that was run: its JSON, and facts about it.

    body: the JSON in parts, in order; a large answer has several, so that it is never copied as a whole.
    errors: the errors in it. has_data: whether it has no errors, or a root field has a value nevertheless.
    engine: what ran the operation. reads: the collections that were read, each with the `_id`s of the
    documents, if the request records them (loaders.mongo.Scope). cacheable: whether the same request would
    get the same answer as long as the documents it read are unchanged: a query without errors, from a viewer
    without a token.
    """

    body: list[bytes]
    errors: Sequence[ErrorDict]
    has_data: bool
    engine: Engine
    reads: Mapping[str, DocumentIds] = _NO_READS
    cacheable: bool = False

    @property
    def payload(self) -> JsonObject:
        """The response, decoded."""
        payload: JsonObject = orjson.loads(b"".join(self.body))
        return payload
