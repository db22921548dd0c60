"""The directives of a document: each is validated against all others at its place."""

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from app.protection.limits import over
from app.protection.selections import all_selections


def check_directives(document: DocumentNode, most: int) -> None:
    """Raises TooLargeError. Those of operations, variables, fragments and fields count."""
    directives = sum(len(node.directives or ()) for node in all_selections(document))
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            directives += len(definition.directives or ())
            variables = definition.variable_definitions or ()
            directives += sum(len(variable.directives or ()) for variable in variables)
    if directives > most:
        raise over(
            f"The document has {directives:,} directives",
            most,
            "MAX_DIRECTIVES",
            "Leave out what is skipped.",
        )
