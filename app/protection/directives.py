"""Limits the number of directives, because validation has to check each of them.

For example, validation checks whether a directive is repeated at its location.
"""

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode

from app.protection.selections import all_selections
from app.protection.too_large import over


def check_directives(document: DocumentNode, limit: int) -> None:
    """Raises TooLargeError if a document has more directives than the limit.

    Directives on operations, variables, fragments, spreads and fields are all counted.
    """
    directives = sum(len(node.directives or ()) for node in all_selections(document))
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            directives += len(definition.directives or ())
            variables = definition.variable_definitions or ()
            directives += sum(len(variable.directives or ()) for variable in variables)
    if directives > limit:
        raise over(
            f"The document has {directives:,} directives",
            limit,
            "LECTERN_MAX_DIRECTIVES",
            "Omit fields instead of skipping them.",
        )
