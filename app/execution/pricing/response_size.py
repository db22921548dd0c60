"""The size of a response, for the actual cost of its operation: the same sums as the maximum cost.

Objects are counted by column: all objects that share a selection are counted together, so an object costs
time only for its nested objects and lists, not for each of its values.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import chain
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
)

from app.execution.compiler import CoercedValues, Selected
from app.execution.pricing.argument_values import ArgumentValues, page_size
from app.execution.pricing.cost import INTROSPECTED_VALUE, ON_GRAPHQL_CORE, leaves_out_elements
from app.execution.pricing.introspection_size import FIELDS
from resolvers.schema import declaration

_Size: TypeAlias = tuple[int, int]  # a number of objects, and one of values
_Object: TypeAlias = Mapping[str, Any]  # an object of the response, whose values are any JSON values

_NOTHING: _Size = (0, 0)


class _Shape:
    """The selection on one object type.

    keys: the response keys. hidden: the number of elements that are fetched for each object but don't appear
    in the response. leaves: the weights of the keys that count once for each object. lists: the weights of
    the lists of leaves, which count once for each element. nested: the shapes that the objects under a key
    can have. single: those of them that are the only one under their key. is_plain: whether objects of this
    shape differ only in these. size: the size of each object of this shape, if all have the same size.
    """

    __slots__ = (
        "hidden", "is_plain", "keys", "leaves", "lists", "nested", "objects", "single", "size", "values",
    )  # fmt: skip

    def __init__(
        self,
        keys: tuple[str, ...],
        hidden: int,
        leaves: Mapping[str, int],
        lists: Mapping[str, int],
        nested: Mapping[str, Sequence["_Shape"]],
    ) -> None:
        self.keys, self.hidden, self.leaves, self.lists, self.nested = keys, hidden, leaves, lists, nested
        self.objects, self.values = 1 + hidden, sum(leaves.values())
        self.single = tuple((key, shapes[0]) for key, shapes in nested.items() if len(shapes) == 1)
        self.is_plain = not lists and len(self.single) == len(nested)
        self.size: _Size | None = None if lists or nested else (self.objects, self.values)


class ResponseSize:
    """Counts the responses of one operation, for given values of its variables.

    The operation must have been priced, so that it is neither too large nor too deep: all its selections are
    walked with their fragments expanded.

    list_values: the number of values in list arguments, which are part of every size. on_graphql_core: see
    app.execution.pricing.cost.priced.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: CoercedValues,
        list_values: int,
        *,
        on_graphql_core: bool = False,
    ) -> None:
        self._list_values = list_values
        root = schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101  # validation has ensured this
        shapes = _Shapes(schema, Selected(schema, document, variables), ArgumentValues(variables))
        fields = shapes.selected.on(root, [operation.selection_set])
        introspected = {k: nodes for k, nodes in fields.items() if nodes[0].name.value in FIELDS}
        own = {key: nodes for key, nodes in fields.items() if key not in introspected}
        self._own = shapes.of_fields(root, own)
        self._introspected = shapes.of_fields(root, introspected) if introspected else None
        self._factor = ON_GRAPHQL_CORE if on_graphql_core else 1

    def of(self, data: _Object | None) -> _Size:
        """Returns the objects and values of a response, counted as in the maximum cost."""
        if data is None:
            return 0, self._list_values
        objects, values = _count_one(self._own, data)
        objects -= 1  # the data itself is not an object that counts
        if self._factor > 1:
            objects, values = objects * self._factor, values * self._factor
        if self._introspected is not None:
            more_objects, more_values = _count_one(self._introspected, data)
            objects, values = objects + more_objects - 1, values + more_values
        return objects, values + self._list_values


class _Shapes:
    """Finds the shapes of an operation's objects."""

    def __init__(self, schema: GraphQLSchema, selected: Selected, arguments: ArgumentValues) -> None:
        self._schema, self.selected, self._arguments = schema, selected, arguments

    def of_fields(
        self, type_: GraphQLObjectType, fields: Mapping[str, Sequence[FieldNode]], page: int = 0
    ) -> _Shape:
        """page: for connections, the number of elements in each."""
        hidden = page if leaves_out_elements(type_, fields) else 0
        leaves: dict[str, int] = {}
        lists: dict[str, int] = {}
        nested: dict[str, list[_Shape]] = {}
        for key, nodes in fields.items():
            field = self._schema.get_field(type_, nodes[0].name.value)
            assert field is not None  # noqa: S101  # validation has ensured this
            kind, is_list = get_named_type(field.type), is_list_type(get_nullable_type(field.type))
            weight = self._weight(type_, nodes[0].name.value, is_leaf=is_leaf_type(kind))
            (lists if is_list and is_leaf_type(kind) else leaves)[key] = weight
            if not is_leaf_type(kind):
                nested[key] = self._below(kind, nodes)
        return _Shape(tuple(fields), hidden, leaves, lists, nested)

    def _below(self, kind: Any, nodes: Sequence[FieldNode]) -> list[_Shape]:  # Any: get_named_type's type
        types = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        sets = [node.selection_set for node in nodes if node.selection_set]
        page = page_size(self._arguments.sizes(nodes[0]))
        return [self.of_fields(type_, self.selected.on(type_, sets), page) for type_ in types]

    def _weight(self, type_: GraphQLObjectType, name: str, *, is_leaf: bool) -> int:
        if is_introspection_type(type_) or name in FIELDS:
            return INTROSPECTED_VALUE if is_leaf else 0
        if name == "__typename":
            return 1
        weight: int = declaration(type_.fields[name]).metadata.get("weight", 1 if is_leaf else 0)
        return weight


def _count_one(shape: _Shape, object_: _Object) -> _Size:
    """Counts one object with everything in it. For a small response, `_count` would take twice as long."""
    objects, values = shape.objects, shape.values
    for key, inner in shape.single:
        below = object_[key]
        if type(below) is dict:
            more = inner.size or _count_one(inner, below)
        else:
            more = _count((inner,), _items([object_], key)) if below else _NOTHING
        objects += more[0]
        values += more[1]
    if shape.is_plain:
        return objects, values
    for key, weight in shape.lists.items():
        values += weight * len(_items([object_], key))
    for key, shapes in shape.nested.items():
        if len(shapes) > 1:
            more = _count(shapes, _items([object_], key))
            objects += more[0]
            values += more[1]
    return objects, values


def _count(shapes: Sequence[_Shape], objects: Sequence[_Object]) -> _Size:
    """Counts objects with everything in them. shapes: the shapes that each of them can have."""
    if not objects:
        return _NOTHING
    if len(shapes) > 1:
        return _count_by_keys(shapes, objects)
    shape, number = shapes[0], len(objects)
    counted, values = number * shape.objects, number * shape.values
    for key, weight in shape.lists.items():
        values += weight * len(_items(objects, key))
    for key, inner in shape.nested.items():
        more = _count(inner, _items(objects, key))
        counted += more[0]
        values += more[1]
    return counted, values


def _count_by_keys(shapes: Sequence[_Shape], objects: Sequence[_Object]) -> _Size:
    """Counts objects of several types. The type of an object is known by its keys.

    If several types have the same keys, each value counts with the lowest of their weights.
    """
    groups: dict[tuple[str, ...], list[_Object]] = {}
    for object_ in objects:
        groups.setdefault(tuple(object_), []).append(object_)
    sizes = [
        _count([reduce(_merged, (shape for shape in shapes if shape.keys == keys))], group)
        for keys, group in groups.items()
    ]
    return sum(size[0] for size in sizes), sum(size[1] for size in sizes)


def _merged(one: _Shape, other: _Shape) -> _Shape:
    """Returns the shape of objects that can have either of two shapes with the same keys."""
    return _Shape(
        one.keys,
        min(one.hidden, other.hidden),
        {key: min(weight, other.leaves[key]) for key, weight in one.leaves.items()},
        {key: min(weight, other.lists[key]) for key, weight in one.lists.items()},
        {key: [*shapes, *other.nested[key]] for key, shapes in one.nested.items()},
    )


def _items(objects: Sequence[_Object], key: str) -> list[Any]:  # Any: the values are any JSON values
    """Returns what objects have under a key, without nulls. A list counts as its items."""
    found = [value for object_ in objects if (value := object_[key]) is not None]
    if found and type(found[0]) is list:
        return [item for item in chain.from_iterable(found) if item is not None]
    return found
