"""Creates the plan of a valid operation."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_camel_case

from app.execution.compiler import field_arguments, levels
from app.execution.compiler.codegen import Compiler
from app.execution.compiler.field_arguments import Arguments
from app.execution.compiler.plan import Called, Computed, Plan, Position, Selection, Source, Stored, Typename
from loaders.collections import stored_in
from loaders.reading import projections_of
from resolvers.schema import declaration


class DeclinedError(Exception):
    """The operation can't be planned. The message is the reason, which is one of a small fixed set."""


def plan_operation(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    conditions: Mapping[str, bool],
) -> Plan:
    """Creates the plan of an operation for given values of the variables in its @skip and @include.

    Raises DeclinedError if the operation can't be planned.
    """
    if operation.operation is OperationType.SUBSCRIPTION:
        raise DeclinedError("subscription")
    return _Planner(schema, document, operation, conditions).plan()


class _Planner:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, bool],
    ) -> None:
        self._schema, self._operation = schema, operation
        self._variables = VariableValues({}, dict(conditions))
        fragments = (d for d in document.definitions if isinstance(d, FragmentDefinitionNode))
        self._fragments = {f.name.value: FragmentDetails(f) for f in fragments}
        self._arguments: dict[tuple[int, int], Arguments] = {}
        self._reads: dict[str, set[str]] = {}
        self._looked_beyond: set[str] = set()

    def plan(self) -> Plan:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None  # noqa: S101  # validation has ensured this
        grouped = collect_fields(
            self._schema, self._fragments, self._variables, root, self._operation
        ).grouped_field_set
        positions = self._selection(root, grouped).positions
        keys = {p.key: root.name if isinstance(p.source, Typename) else None for p in positions}
        compiler = Compiler()
        sites = [compiler.site(position) for position in positions if isinstance(position.source, Called)]
        serial = self._operation.operation is OperationType.MUTATION
        fixed_levels = levels.fixed(sites, serial=serial)
        return Plan(keys, sites, projections_of(self._reads), self._looked_beyond, serial, fixed_levels)

    def _selection(self, parent: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        positions = [self._position(parent, key, nodes) for key, nodes in grouped.items()]
        if parent.name.endswith("Connection"):
            self._note_page(parent, positions)
        if collection := stored_in(parent.name):
            reads = self._reads.setdefault(collection, set())
            reads.update(key for position in positions for key in position.source.reads)
        return Selection(parent, positions)

    def _note_page(self, connection: GraphQLObjectType, positions: list[Position]) -> None:
        """Records which collection a page reads, and whether the page's `pageInfo` is selected.

        The collection is recorded even if no field of its documents is selected.
        """
        collection = stored_in(get_named_type(connection.fields["nodes"].type).name)
        assert collection is not None, f"{connection.name} lists documents of no collection"  # noqa: S101  # a bug
        self._reads.setdefault(collection, set())
        if any(position.field_name == "pageInfo" for position in positions):
            self._looked_beyond.add(collection)

    def _position(self, parent: GraphQLObjectType, key: str, nodes: list[FieldDetails]) -> Position:
        name = nodes[0].node.name.value
        if name in {"__schema", "__type"}:
            raise DeclinedError("introspection")
        field = self._schema.get_field(parent, name)
        assert field is not None  # noqa: S101  # validation has ensured this
        source = Typename() if name == "__typename" else self._source(field, nodes)
        selections, field_nodes = self._selections(field, nodes), [details.node for details in nodes]
        return Position(key, parent.name, name, field.type, source, selections, field_nodes)

    def _source(self, field: GraphQLField, nodes: list[FieldDetails]) -> Source:
        declared = declaration(field)
        metadata = declared.metadata
        reads = metadata.get("reads", ())
        if function := metadata.get("computed"):
            return Computed(function, reads)
        if function := metadata.get("level") or metadata.get("root"):
            arguments = self._arguments_of(field, nodes[0].node)
            return Called(function, arguments, reads, metadata["commands"], "root" in metadata)
        return Stored(to_camel_case(declared.python_name))

    def _arguments_of(self, field: GraphQLField, node: FieldNode) -> Arguments:
        """Returns a field's arguments.

        They are compiled only once, even if the field is in a fragment that is spread several times.
        """
        key = (id(field), id(node))
        if key not in self._arguments:
            self._arguments[key] = field_arguments.compiled(self._schema, field, node)
        return self._arguments[key]

    def _selections(self, field: GraphQLField, nodes: list[FieldDetails]) -> dict[str, Selection]:
        kind = get_named_type(field.type)
        if not is_composite_type(kind):
            return {}
        # Any: mypy can't infer that a composite type that isn't abstract is an object type.
        types: Any = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        return {type_.name: self._selection(type_, self._subfields(type_, nodes)) for type_ in types}

    def _subfields(self, type_: GraphQLObjectType, nodes: list[FieldDetails]) -> GroupedFieldSet:
        return collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, type_, nodes
        ).grouped_field_set
