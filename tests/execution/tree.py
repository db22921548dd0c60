"""An operation that can be rewritten: fields and fragments with their types. It is printed at the end."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    value_from_ast_untyped,
)

from app.execution import Operation


class EnumName(str):
    """A value of an enum: printed without quotes in a document, a string in variables."""

    __slots__ = ()


class Variable(NamedTuple):
    name: str


#: A literal as JSON, in which any part may be an enum's value or a variable.
Value: TypeAlias = Any


class Definition(NamedTuple):
    """The definition of a variable. default: a Value in a tuple of one, or None."""

    type: str
    default: tuple[Value] | None


@dataclass(eq=False)
class Field:
    """A selected field. of: the type that it is selected on."""

    name: str
    of: GraphQLNamedType
    arguments: dict[str, Value] = field(default_factory=dict)
    selections: list["Selection"] = field(default_factory=list)
    alias: str | None = None
    directives: dict[str, Value] = field(default_factory=dict)

    @property
    def definition(self) -> GraphQLField | None:
        """The field's definition; None for `__typename`."""
        fields: Mapping[str, GraphQLField] = getattr(self.of, "fields", {})
        return fields.get(self.name)

    @property
    def selects_on(self) -> GraphQLNamedType:
        """The type of its own selections."""
        assert self.definition is not None
        return get_named_type(self.definition.type)


@dataclass(eq=False)
class Fragment:
    """A fragment: inline, or the spread of a named one. Spreads of one name share their selections."""

    on: GraphQLNamedType | None
    selections: list["Selection"]
    name: str | None = None
    directives: dict[str, Value] = field(default_factory=dict)


Selection: TypeAlias = Field | Fragment


class Place(NamedTuple):
    """A selection set and the type that it is on."""

    on: GraphQLNamedType
    selections: list[Selection]


@dataclass(eq=False)
class Tree:
    """An operation and the values of its variables (`given`)."""

    root: GraphQLNamedType
    selections: list[Selection]
    variables: dict[str, Definition] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    name: str = "Q"
    more: str = ""  # further definitions of the document
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def fresh(self, prefix: str) -> str:
        """A new, unused name."""
        return f"{prefix}{next(self._numbers)}"

    def places(self) -> list[Place]:
        """Every selection set once, the root's first."""
        seen: dict[int, Place] = {}
        _walk(Place(self.root, self.selections), seen)
        return list(seen.values())

    def fields(self) -> list[Field]:
        """All fields but `__typename`."""
        found = (s for place in self.places() for s in place.selections)
        return [s for s in found if isinstance(s, Field) and s.definition is not None]

    def operation(self) -> Operation:
        return Operation(self.text(), dict(self.given), self.name if self.more else None)

    def text(self) -> str:
        listed = ", ".join(f"${name}: {_definition(d)}" for name, d in self.variables.items())
        head = f"query {self.name}({listed})" if listed else f"query {self.name}"
        parts = [f"{head} {_selections(self.selections)}", *_definitions(self.places()), self.more]
        return "\n".join(part for part in parts if part)


def from_document(schema: GraphQLSchema, document: DocumentNode) -> Tree:
    """The tree of a document with one query, without variables and named fragments."""
    (definition,) = document.definitions
    assert isinstance(definition, OperationDefinitionNode)
    root = schema.query_type
    assert root is not None
    return Tree(root, _from_set(schema, root, definition.selection_set))


def _from_set(schema: GraphQLSchema, on: GraphQLNamedType, node: SelectionSetNode | None) -> list[Selection]:
    return [_from_node(schema, on, s) for s in node.selections] if node else []


def _from_node(schema: GraphQLSchema, on: GraphQLNamedType, node: Any) -> Selection:
    if isinstance(node, InlineFragmentNode):
        assert node.type_condition is not None
        kind = schema.type_map[node.type_condition.name.value]
        return Fragment(kind, _from_set(schema, kind, node.selection_set))
    assert isinstance(node, FieldNode)
    arguments = {a.name.value: from_value(a.value) for a in node.arguments or ()}
    made = Field(node.name.value, on, arguments, alias=node.alias.value if node.alias else None)
    if node.selection_set:
        made.selections = _from_set(schema, made.selects_on, node.selection_set)
    return made


def from_value(node: ValueNode) -> Value:
    if isinstance(node, EnumValueNode):
        return EnumName(node.value)
    if isinstance(node, ListValueNode):
        return [from_value(item) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {member.name.value: from_value(member.value) for member in node.fields}
    return None if isinstance(node, NullValueNode) else value_from_ast_untyped(node)


def as_json(value: Value) -> Any:
    """A value as JSON for the variables; it contains no variable."""
    if isinstance(value, EnumName):
        return str(value)
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return {name: as_json(member) for name, member in value.items()} if isinstance(value, dict) else value


def print_value(value: Value) -> str:
    if isinstance(value, Variable):
        return f"${value.name}"
    if isinstance(value, EnumName):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(print_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {print_value(member)}' for name, member in value.items())}}}"
    return json.dumps(value)


def _walk(place: Place, seen: dict[int, Place]) -> None:
    if id(place.selections) in seen:
        return
    seen[id(place.selections)] = place
    for selection in place.selections:
        if isinstance(selection, Fragment):
            _walk(Place(selection.on or place.on, selection.selections), seen)
        elif selection.selections:
            _walk(Place(selection.selects_on, selection.selections), seen)


def _definition(definition: Definition) -> str:
    default = definition.default
    return definition.type if default is None else f"{definition.type} = {print_value(default[0])}"


def _definitions(places: list[Place]) -> list[str]:
    fragments = [s for place in places for s in place.selections if isinstance(s, Fragment) and s.name]
    by_name = {cast("str", fragment.name): fragment for fragment in fragments}
    return [f"fragment {name} on {f.on} {_selections(f.selections)}" for name, f in by_name.items()]


def _selections(selections: list[Selection]) -> str:
    return f"{{ {' '.join(map(_selection, selections))} }}"


def _selection(selection: Selection) -> str:
    directives = "".join(f" @{name}(if: {print_value(v)})" for name, v in selection.directives.items())
    if isinstance(selection, Field):
        return _field(selection, directives)
    if selection.name:
        return f"...{selection.name}{directives}"
    condition = f" on {selection.on}" if selection.on else ""
    return f"...{condition}{directives} {_selections(selection.selections)}"


def _field(selection: Field, directives: str) -> str:
    alias = f"{selection.alias}: " if selection.alias else ""
    listed = ", ".join(f"{name}: {print_value(value)}" for name, value in selection.arguments.items())
    arguments = f"({listed})" if listed else ""
    own = f" {_selections(selection.selections)}" if selection.selections else ""
    return f"{alias}{selection.name}{arguments}{directives}{own}"
