"""An operation from its text to its answer: parse, validate, select, run."""

from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql import execute as execute_document

from app import errors
from app.limits import count_nodes
from resolvers.context import Context


class Operation(NamedTuple):
    """What a client asks for."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Answer(NamedTuple):
    """A response by the GraphQL specification. A request that was not executed has errors and no data."""

    payload: dict[str, Any]
    executed: bool


class Executor:
    """Runs operations against one schema."""

    def __init__(
        self, schema: GraphQLSchema, *, max_tokens: int, max_nodes: int, introspection: bool
    ) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._max_nodes = max_nodes
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]

    def prepare(self, operation: Operation) -> "Prepared | Answer":
        """The operation, ready to run; the answer when it can't be."""
        try:
            limit = self._max_tokens
            document = parse(operation.query, max_lexical_tokens=limit, max_comments=limit)
        except GraphQLError as error:
            return _refused([error], errors.PARSE_FAILED)
        if invalid := validate(self._schema, document, self._rules):
            return _refused(invalid, errors.VALIDATION_FAILED)
        definition = get_operation_ast(document, operation.operation_name)
        if definition is None:
            return _refused([_unresolved(operation)], errors.OPERATION_RESOLUTION_FAILURE)
        if reason := self._too_large(document, definition, operation):
            return _refused([reason], errors.OPERATION_TOO_LARGE)
        return Prepared(document, definition, operation)

    def _too_large(
        self, document: DocumentNode, definition: OperationDefinitionNode, operation: Operation
    ) -> GraphQLError | None:
        try:
            nodes = count_nodes(self._schema, document, definition, operation.variables)
        except RecursionError:
            return GraphQLError("The operation is nested too deeply.")
        if nodes <= self._max_nodes:
            return None
        return GraphQLError(
            f"The operation asks for up to {nodes:,} objects, and {self._max_nodes:,} are allowed "
            "(MAX_NODES). Ask for smaller pages with `first`, or for less at once."
        )

    async def run(self, prepared: "Prepared", ctx: Context) -> Answer:
        """The answer of an operation."""
        running = execute_document(
            self._schema,
            prepared.document,
            context_value=ctx,
            variable_values=prepared.operation.variables,
            operation_name=prepared.operation.operation_name,
        )
        result = running if isinstance(running, ExecutionResult) else await running
        return _answer(result)


class Prepared(NamedTuple):
    """A valid operation."""

    document: DocumentNode
    definition: OperationDefinitionNode
    operation: Operation

    @property
    def is_query(self) -> bool:
        return self.definition.operation.value == "query"


def _answer(result: ExecutionResult) -> Answer:
    if not result.errors:
        return Answer({"data": result.data}, executed=True)
    if all(error.path is None for error in result.errors):  # of the request: no field was run
        return _refused(result.errors, errors.BAD_USER_INPUT)
    told = [errors.field_error(error) for error in result.errors]
    return Answer({"errors": told, "data": result.data}, executed=True)


def _refused(reasons: list[GraphQLError], code: str) -> Answer:
    return Answer({"errors": errors.request_errors(reasons, code)}, executed=False)


def _unresolved(operation: Operation) -> GraphQLError:
    if operation.operation_name is not None:
        return GraphQLError(f"The document has no operation named '{operation.operation_name}'.")
    return GraphQLError("The document has more than one operation: say which one in `operationName`.")
