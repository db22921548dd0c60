"""Counts the objects in an introspection result by calling graphql-core's own resolvers on the schema."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLField, GraphQLSchema, get_nullable_type, is_list_type

#: The root fields for introspection.
SCHEMA, TYPE = "__schema", "__type"
FIELDS = frozenset({SCHEMA, TYPE})


_Element: TypeAlias = Any  # types, fields, arguments and so on have no common base class in graphql-core


class Occurrences(NamedTuple):
    """A schema element, such as a type, and how many times an introspection field resolves to it."""

    element: _Element
    times: int


#: The schema elements that one introspection field resolves to, keyed by their identity.
Population: TypeAlias = Mapping[int, Occurrences]


class Introspection:
    """Finds the schema elements that the introspection fields of one operation resolve to.

    The elements of each field (its population) are computed once, and shared by all aliases of the field.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        # Any: a substitute for a GraphQLResolveInfo. The resolvers use only its schema.
        self._info: Any = SimpleNamespace(schema=schema)
        self._below: dict[tuple[int, str], Population] = {}
        self._kept: list[Population] = []  # keeps each population alive, because its id() is used in `_below`

    def of_schema(self) -> Population:
        """Returns the element that `__schema` resolves to: the schema itself."""
        return self._keep(_counted([(self._schema, 1)]))

    def of_type(self, name: object) -> Population:
        """Returns the type that `__type(name:)` resolves to, or an empty mapping if there is no such type."""
        type_ = self._schema.type_map.get(name) if isinstance(name, str) else None
        return self._keep(_counted([(type_, 1)] if type_ else []))

    def below(self, population: Population, name: str, field: GraphQLField) -> Population:
        """Resolves a field of each schema element in `population`. Includes deprecated elements."""
        key = (id(population), name)
        if key not in self._below:
            arguments = {"includeDeprecated": True} if "includeDeprecated" in field.args else {}
            elements: list[tuple[_Element, int]] = []
            for parent, times in population.values():
                value = field.resolve(parent, self._info, **arguments)  # type: ignore[misc] # never None here
                if value is not None:
                    values = value if is_list_type(get_nullable_type(field.type)) else [value]
                    elements += [(element, times) for element in values]
            self._below[key] = self._keep(_counted(elements))
        return self._below[key]

    def _keep(self, population: Population) -> Population:
        self._kept.append(population)
        return population


def size(population: Population) -> int:
    """Returns the number of objects that an introspection field returns, including repeated ones."""
    return sum(occurrences.times for occurrences in population.values())


def _counted(elements: list[tuple[_Element, int]]) -> dict[int, Occurrences]:
    """Merges equal elements, adding up how often they occur.

    graphql-core returns a field or an argument as a new (name, element) tuple each time, so tuples are
    compared by the identity of their element.
    """
    counted: dict[int, Occurrences] = {}
    for element, times in elements:
        key = id(element[1] if isinstance(element, tuple) else element)
        counted[key] = Occurrences(element, times + (counted[key].times if key in counted else 0))
    return counted
