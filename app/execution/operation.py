"""What a client asks for and what it is told."""

from typing import Any, Literal, NamedTuple, TypeAlias

#: How an answer came about: by a compiled plan, or by graphql-core.
Engine: TypeAlias = Literal["compiled", "reference"]


class Operation(NamedTuple):
    """What a client asks for. size: bytes of the request that it came in."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    size: int = 0


class Answer(NamedTuple):
    """A response by the GraphQL specification. A request that was not executed has errors, no data and no
    engine.
    """

    payload: dict[str, Any]
    engine: Engine | None = None

    @property
    def executed(self) -> bool:
        return self.engine is not None
