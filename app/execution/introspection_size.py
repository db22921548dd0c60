"""The size of an introspection result, counted on the schema with graphql-core's own resolvers."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLField, GraphQLSchema, get_nullable_type, is_list_type

#: The root fields that query the schema.
SCHEMA, TYPE = "__schema", "__type"
FIELDS = frozenset({SCHEMA, TYPE})


_Element: TypeAlias = Any  # graphql-core has no common type for the elements of a schema


class Occurrences(NamedTuple):
    """An element of the schema, and how many times it occurs at one place of an answer."""

    element: _Element
    times: int


#: The schema elements at one place of an answer, by identity.
Population: TypeAlias = Mapping[int, Occurrences]


class Introspection:
    """The populations of one operation. Each is computed once: aliases of a field share it."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._info: Any = SimpleNamespace(schema=schema)  # the resolvers read no more of a GraphQLResolveInfo
        self._below: dict[tuple[int, str], Population] = {}
        self._kept: list[Population] = []  # or a new population could reuse the id() of one that is gone

    def of_schema(self) -> Population:
        """The population of `__schema`."""
        return self._keep(_counted([(self._schema, 1)]))

    def of_type(self, name: object) -> Population:
        """The population of `__type(name:)`; empty if there is no such type."""
        type_ = self._schema.type_map.get(name) if isinstance(name, str) else None
        return self._keep(_counted([(type_, 1)] if type_ else []))

    def below(self, population: Population, name: str, field: GraphQLField) -> Population:
        """The elements that a field returns for a whole population, deprecated ones included."""
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
    """How many objects of the answer a population makes."""
    return sum(occurrences.times for occurrences in population.values())


def _counted(elements: list[tuple[_Element, int]]) -> dict[int, Occurrences]:
    """Adds up equal elements.

    graphql-core returns a field or an argument as a new (name, element) tuple each time, so the identity of
    its element counts.
    """
    counted: dict[int, Occurrences] = {}
    for element, times in elements:
        key = id(element[1] if isinstance(element, tuple) else element)
        counted[key] = Occurrences(element, times + (counted[key].times if key in counted else 0))
    return counted
