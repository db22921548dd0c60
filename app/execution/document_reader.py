"""Parses and validates an operation's text. Makes the cheap checks before the expensive ones."""

from collections.abc import Collection, Generator

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoFragmentCyclesRule,
    NoSchemaIntrospectionCustomRule,
    get_operation_ast,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule

from app import error_codes
from app.execution.document import Document
from app.execution.operation import Operation, text_hash
from app.execution.refusals import RefusedError
from app.execution.withheld import about_document
from app.operation_limits import Limits
from app.protection import (
    TooLargeError,
    check_aliases,
    check_depth,
    check_directives,
    check_fragments,
    check_literals,
    check_overlap,
    check_root_fields,
    have_cycle,
    parsed,
)

_MOST_ERRORS = 10
_OUT_OF_STACK = "Validation aborted."  # the entire message that graphql-core gives after a RecursionError


class Reader:
    """Reads operations against one schema.

    introspection: if False, introspection is rejected as invalid, and errors don't say what is invalid.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._schema, self._limits, self._introspection = schema, limits, introspection
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]

    def read(self, operation: Operation) -> Generator[None, None, Document]:
        """Parses and validates the operation, and returns its document.

        Yields between the two steps, so that the caller can let other tasks run.

        Raises RefusedError or TooLargeError.
        """
        document = self._parsed(operation.query)
        self._check(document)
        if have_cycle(document):
            self._validate(document, [NoFragmentCyclesRule])
        check_overlap(document, self._limits.overlap)
        yield
        self._validate(document, self._rules)
        definition = get_operation_ast(document, operation.operation_name)
        if definition is None:
            raise RefusedError([_unresolved(operation)], error_codes.OPERATION_RESOLUTION_FAILURE)
        return Document(
            self._schema,
            document,
            definition,
            text_hash(operation.query),
            introspection=self._introspection,
        )

    def _parsed(self, text: str) -> DocumentNode:
        try:
            return parsed(text, self._limits)
        except GraphQLSyntaxError as error:
            raise RefusedError([error], error_codes.PARSE_FAILED) from None

    def _check(self, document: DocumentNode) -> None:
        """Checks the limits that depend only on the document, not on the schema."""
        limits = self._limits
        check_fragments(document, limits.fragments)
        check_depth(document, limits.depth)
        check_aliases(document, limits.aliases)
        check_root_fields(document, limits.root_fields)
        check_directives(document, limits.directives)
        check_literals(document, limits)

    def _validate(self, document: DocumentNode, rules: Collection[type[ASTValidationRule]]) -> None:
        most = _MOST_ERRORS if self._introspection else 1
        found = validate(self._schema, document, rules, most, hide_suggestions=not self._introspection)
        if found and found[-1].message == _OUT_OF_STACK:
            raise TooLargeError("The operation is nested too deeply to be validated.")
        if found:
            shown = found if self._introspection else [about_document()]
            raise RefusedError(shown, error_codes.VALIDATION_FAILED)


def _unresolved(operation: Operation) -> GraphQLError:
    if operation.operation_name is not None:
        return GraphQLError(f"The document has no operation named '{operation.operation_name}'.")
    return GraphQLError("The document has more than one operation: use `operationName` to choose one.")
