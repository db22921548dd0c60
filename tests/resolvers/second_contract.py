"""What the second contract (contract_2.graphql) adds to the schema, and what of it the schema lacks."""

from pathlib import Path

from graphql import (
    DefinitionNode,
    DocumentNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    build_ast_schema,
    parse,
)

from tests.resolvers.contract import broken

ADDED = parse((Path(__file__).parent / "contract_2.graphql").read_text("utf-8"))


def lacking(sdl: str, actual: GraphQLSchema) -> list[str]:
    """Returns what a schema lacks of the contract, one line each. sdl: the same schema as a text."""
    written_out = {d.name.value for d in ADDED.definitions if isinstance(d, TypeDefinitionNode)}
    complaints = broken(build_ast_schema(_promised(parse(sdl)), assume_valid_sdl=True), actual)
    # The contract doesn't write out all fields of an input that it extends, or that has the form of others.
    return [
        complaint
        for complaint in complaints
        if complaint.partition(".")[0] in written_out or not complaint.endswith(": is new and required")
    ]


def added_fields(type_name: str) -> list[str]:
    """Returns the names of the fields that the contract adds to an object type."""
    return [
        field.name.value
        for definition in ADDED.definitions
        if isinstance(definition, ObjectTypeExtensionNode) and definition.name.value == type_name
        for field in definition.fields or ()
    ]


def _promised(actual: DocumentNode) -> DocumentNode:
    """Returns the contract as a schema of its own, with the actual definitions of all other types."""
    types = [_as_type(d) for d in (*ADDED.definitions, *parse(_by_form()).definitions)]
    promised = {d.name.value: d for d in types if isinstance(d, TypeDefinitionNode)}
    others = [
        d for d in actual.definitions if not (isinstance(d, TypeDefinitionNode) and d.name.value in promised)
    ]
    return DocumentNode(definitions=(*promised.values(), *others))


def _by_form() -> str:
    """Returns the inputs and payloads that the contract doesn't write out."""
    names = [f"{name[0].upper()}{name[1:]}" for name in added_fields("Mutation")]
    return "\n".join(
        f"input {name}Input {{ idempotencyKey: String clientMutationId: String }} "
        f"type {name}Payload {{ errors: [UserError!]! clientMutationId: String }}"
        for name in names
    )


def _as_type(definition: DefinitionNode) -> DefinitionNode:
    """Converts the extension of a type to a type with only these fields."""
    if isinstance(definition, ObjectTypeExtensionNode):
        return ObjectTypeDefinitionNode(
            name=definition.name, interfaces=definition.interfaces, fields=definition.fields
        )
    if isinstance(definition, InputObjectTypeExtensionNode):
        return InputObjectTypeDefinitionNode(name=definition.name, fields=definition.fields)
    return definition
