"""An operation, and its two possible results: an answer or a refusal."""

from collections.abc import Mapping, Sequence, Set
from hashlib import sha256
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from app.errors import ErrorDict

#: How an operation is run: as a compiled plan, or on graphql-core, the reference implementation.
Engine: TypeAlias = Literal["compiled", "reference"]

JsonObject: TypeAlias = dict[str, Any]  # the values can be any JSON values


DocumentIds: TypeAlias = Set[Any]  # an `_id` can have any BSON type

_NO_READS: Mapping[str, DocumentIds] = {}


class Operation(NamedTuple):
    """A GraphQL request.

    query: the text; empty if only an id was sent, until the text has been found. size: the length of the HTTP
    body or query string that contained it, in bytes.
    id: the id or hash that was sent, or empty. is_hash: whether it is the hash of a persisted query. way: how
    the text came: from the client, from an earlier registration under its hash, or it is trusted.
    """

    query: str
    variables: JsonObject | None = None
    operation_name: str | None = None
    size: int = 0
    id: str = ""
    is_hash: bool = False
    way: Literal["text", "apq", "trusted"] = "text"


def text_hash(text: str) -> str:
    """Returns the first 16 hexadecimal digits of the SHA-256 of a document's text."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


class Refusal(NamedTuple):
    """The response to an operation that is not run: errors that share one code, and no data.

    extensions: the trace, if the client asked for one and graphql-core refused the operation. limit: the
    setting that defines the limit that the operation exceeds; empty if there is none.
    """

    errors: Sequence[ErrorDict]
    extensions: JsonObject | None = None
    limit: str = ""

    @property
    def code(self) -> str:
        """The error code that all errors of the response share."""
        return str(self.errors[0]["extensions"]["code"])

    @property
    def payload(self) -> JsonObject:
        """The body of the GraphQL response."""
        payload: JsonObject = {"errors": list(self.errors)}
        return payload if self.extensions is None else payload | {"extensions": self.extensions}


class Answer(NamedTuple):
    """The response to an operation that was run.

    body: the JSON in parts, in order; a large response has several, so that it is never copied in full.
    has_data: false if the run had errors and no root field has a value.
    reads: the `_id`s of the fetched documents, keyed by collection. Every collection that was read has a key.
    The mapping is empty if the request doesn't record its reads (see loaders.mongo.Scope).

    cacheable: whether the body can be reused for the same request. True for a query that was sent without a
    token, that selects no field about the request or its viewer, and whose response has no trace, cost,
    budget or errors. A cached body is outdated once a collection in `reads` changes. It must also expire
    after a short time, because some lists depend on the current time (such as a course's upcoming runs).
    """

    body: list[bytes]
    errors: Sequence[ErrorDict]
    has_data: bool
    engine: Engine
    reads: Mapping[str, DocumentIds] = _NO_READS
    cacheable: bool = False

    @property
    def payload(self) -> JsonObject:
        """The response, decoded from its JSON."""
        payload: JsonObject = orjson.loads(b"".join(self.body))
        return payload
