"""What a client asks for and what it is told."""

from typing import Any, Literal, NamedTuple, TypeAlias

#: How an answer came about: by the compiled plan alone; by the plan, completed by graphql-core because
#: something went wrong; by graphql-core alone.
Engine: TypeAlias = Literal["compiled", "completed", "reference"]


class Operation(NamedTuple):
    """What a client asks for."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Answer(NamedTuple):
    """A response by the GraphQL specification. A request that was not executed has errors, no data and no
    engine.
    """

    payload: dict[str, Any]
    engine: Engine | None = None

    @property
    def executed(self) -> bool:
        return self.engine is not None
