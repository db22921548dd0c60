"""Advice about an operation that costs too much."""

from graphql import DocumentNode, FieldNode, GraphQLSchema, Node, TypeInfo, TypeInfoVisitor, Visitor, visit

#: What a client can request less of, by the argument that determines it.
_WAYS = {"first": "smaller pages with `first`", "ids": "fewer ids"}


def advice(schema: GraphQLSchema, document: DocumentNode) -> str:
    """Returns a sentence that says what to change. Pages and ids are only in it if the document has them."""
    types = TypeInfo(schema)
    arguments = _Arguments(types)
    visit(document, TypeInfoVisitor(types, arguments))
    ways = [f"{way}," for name, way in _WAYS.items() if name in arguments.names]
    return f"Request {' '.join([*ways, *(['or'] if ways else []), 'fewer fields'])}."


class _Arguments(Visitor):
    """Collects the names of the arguments that the fields of a document can have."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.names: set[str] = set()

    def enter_field(self, _: FieldNode, *__: Node | object) -> None:
        if field := self._types.get_field_def():
            self.names.update(field.args)
