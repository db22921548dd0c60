"""How much introspection finds: counted on the schema itself, by graphql-core's own resolvers."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from graphql import GraphQLField, GraphQLSchema, get_nullable_type, is_list_type

#: The fields of the query that ask about the schema.
SCHEMA, TYPE = "__schema", "__type"
FIELDS = frozenset({SCHEMA, TYPE})


class Found(NamedTuple):
    """An element of the schema, and how often it is in an answer."""

    element: Any
    times: int


#: What is in the same place of an answer: elements of the schema by identity.
Population: TypeAlias = Mapping[int, Found]


class Introspection:
    """The populations of one operation. Each is made once: aliases of a field find the same."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._info: Any = SimpleNamespace(schema=schema)
        self._below: dict[tuple[int, str], Population] = {}
        self._kept: list[Population] = []  # or another could get the id of one that is gone

    def of_schema(self) -> Population:
        return self._keep(_counted([(self._schema, 1)]))

    def of_type(self, name: Any) -> Population:
        found = self._schema.type_map.get(name)
        return self._keep(_counted([(found, 1)] if found else []))

    def below(self, population: Population, name: str, field: GraphQLField) -> Population:
        """What a field of objects finds for all of a population, what is deprecated included."""
        key = (id(population), name)
        if key not in self._below:
            arguments = {"includeDeprecated": True} if "includeDeprecated" in field.args else {}
            found: list[tuple[Any, int]] = []
            for element, times in population.values():
                value = field.resolve(element, self._info, **arguments)  # type: ignore[misc] # each has one
                if value is not None:
                    several = value if is_list_type(get_nullable_type(field.type)) else [value]
                    found += [(one, times) for one in several]
            self._below[key] = self._keep(_counted(found))
        return self._below[key]

    def _keep(self, population: Population) -> Population:
        self._kept.append(population)
        return population


def size(population: Population) -> int:
    return sum(found.times for found in population.values())


def _counted(found: list[tuple[Any, int]]) -> dict[int, Found]:
    """graphql-core has fields and arguments with their names, in tuples that it makes anew."""
    counted: dict[int, Found] = {}
    for element, times in found:
        key = id(element[1] if isinstance(element, tuple) else element)
        counted[key] = Found(element, times + (counted[key].times if key in counted else 0))
    return counted
