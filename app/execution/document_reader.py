"""Parses and validates an operation's text. Makes the cheap checks before the expensive ones."""

from collections.abc import Collection, Generator, Mapping

from graphql import (
    SKIP,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoFragmentCyclesRule,
    NonNullTypeNode,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    TypeInfo,
    VariablesInAllowedPositionRule,
    VisitorAction,
    get_named_type,
    get_operation_ast,
    is_input_object_type,
    is_introspection_type,
    is_non_null_type,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, ValidationContext, ValidationRule

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

#: Rules that find nothing unless the document's text contains the key. They would take up to half of the time
#: of validation: graphql-core looks for variables by traversing the document again, and hashes all of it.
_RULES_ABOUT: Mapping[str, Collection[type[ASTValidationRule]]] = {
    "$": {NoUndefinedVariablesRule, NoUnusedVariablesRule, VariablesInAllowedPositionRule},
    "fragment": {NoUnusedFragmentsRule},
}


class Reader:
    """Reads operations against one schema.

    introspection: if False, introspection is rejected as invalid.
    names_schema: if False, errors don't say what is invalid (see app.execution.withheld). compiled: see
    Document.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        introspection: bool,
        names_schema: bool,
        compiled: bool,
    ) -> None:
        self._schema, self._limits, self._names_schema = schema, limits, names_schema
        self._compiled = compiled
        self._rules = [*specified_rules, *([] if introspection else [_NoIntrospection])]

    def read(self, operation: Operation) -> Generator[None, None, Document]:
        """Parses and validates the operation, and returns its document.

        Yields after parsing and after validation, so that the caller can let other tasks run.

        Raises RefusedError or TooLargeError.
        """
        document = self._parsed(operation.query)
        self._check(document)
        if have_cycle(document):
            self._validate(document, [NoFragmentCyclesRule])
        check_overlap(document, self._limits.overlap)
        yield
        self._validate(document, self._rules_for(operation.query))
        self._refuse(_one_of_errors(self._schema, document))
        yield
        definition = get_operation_ast(document, operation.operation_name)
        if definition is None:
            raise RefusedError([unresolved(operation)], error_codes.OPERATION_RESOLUTION_FAILURE)
        return Document(
            self._schema,
            document,
            definition,
            text_hash(operation.query),
            names_schema=self._names_schema,
            compiled=self._compiled,
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

    def _rules_for(self, text: str) -> list[type[ASTValidationRule]]:
        """Returns the rules that can find something in a text."""
        idle = {rule for part, rules in _RULES_ABOUT.items() if part not in text for rule in rules}
        return [rule for rule in self._rules if rule not in idle]

    def _validate(self, document: DocumentNode, rules: Collection[type[ASTValidationRule]]) -> None:
        most = _MOST_ERRORS if self._names_schema else 1
        found = validate(self._schema, document, rules, most, hide_suggestions=not self._names_schema)
        if found and found[-1].message == _OUT_OF_STACK:
            raise TooLargeError("The operation is nested too deeply to be validated.")
        self._refuse(found)

    def _refuse(self, found: list[GraphQLError]) -> None:
        """Raises RefusedError if there are errors."""
        if found:
            shown = found if self._names_schema else [about_document()]
            raise RefusedError(shown, error_codes.VALIDATION_FAILED)


class _NoIntrospection(ValidationRule):
    """Refuses fields of the introspection system, and names the setting that does so."""

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        type_ = get_named_type(self.context.get_type())
        if type_ is None or not is_introspection_type(type_):
            return None
        message = f"Introspection is off (LECTERN_INTROSPECTION), so `{node.name.value}` can't be asked for."
        self.report_error(GraphQLError(message, node))
        return SKIP


def _one_of_errors(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Returns an error for each nullable variable that is a value in a @oneOf input that is required.

    graphql-core (3.3.2) reports only those in a @oneOf input that is optional. The others would fail when the
    operation runs, as if the gateway had failed. This is no ValidationRule, because a rule is part of a
    reference cycle.
    """
    errors: list[GraphQLError] = []
    context = ValidationContext(schema, document, TypeInfo(schema), errors.append)
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        nullable = {
            one.variable.name.value: one
            for one in operation.variable_definitions or ()
            if not isinstance(one.type, NonNullTypeNode)
        }
        for usage in context.get_recursive_variable_usages(operation) if nullable else ():
            name, parent = usage.node.name.value, usage.parent_type
            if name not in nullable or not is_non_null_type(parent):
                continue
            type_ = parent.of_type
            if is_input_object_type(type_) and type_.is_one_of:
                message = (
                    f"Variable '${name}' must be non-nullable to be used for OneOf Input Object '{type_}'."
                )
                errors.append(GraphQLError(message, [nullable[name], usage.node]))
    return errors


def unresolved(operation: Operation) -> GraphQLError:
    if operation.operation_name is not None:
        return GraphQLError(f"The document has no operation named '{operation.operation_name}'.")
    return GraphQLError("The document has more than one operation: use `operationName` to choose one.")
