"""Compiles a field's arguments once per document, so that each request only fills in its variables."""

from collections.abc import Callable, Mapping, Sequence, Set
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLField,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_required_argument,
    print_ast,
)
from graphql.execution.values import VariableValues, get_argument_values

from resolvers.schema import converted

#: The types of the values that can be cache keys. Equal values of these types are interchangeable, and all
#: except long strings are small.
_KEY_TYPES = {str, int, type(None), type(Undefined)}
_MOST_CACHED = 32
_LONGEST_KEY = 100  # maximum length of a string that is used as a cache key, in characters

_LONGEST_TEXT = 200  # length in characters above which the text of a field's arguments is shortened

_SAME_IN_PYTHON = {"String", "ID", "Boolean", "Int", "Float"}

#: A function that converts variables to arguments.
_Conversion: TypeAlias = Callable[[VariableValues], "_Template"]

#: The keyword arguments of a function. They are shared between requests, so they must not be modified.
Values: TypeAlias = Mapping[str, Any]  # the types of the arguments vary by function


class Arguments(NamedTuple):
    """The arguments of one field in one operation.

    values: computes the keyword arguments from the variables. They equal those that Strawberry would pass to
    a resolver. Raises GraphQLError for variables of the wrong type.
    text: the source text of the arguments, sorted by name. Long text is shortened and ends with a digest.
    Fields with the same text have the same arguments.
    constant: the keyword arguments if they don't depend on any variable, otherwise None.
    """

    values: Callable[[VariableValues], Values]
    text: str
    constant: Values | None = None


def compiled(schema: GraphQLSchema, field: GraphQLField, node: FieldNode) -> Arguments:
    """Compiles the arguments of a field. Constant parts are evaluated at compile time."""
    nodes = sorted(node.arguments or (), key=lambda argument: argument.name.value)
    text = _shortened(", ".join(print_ast(argument) for argument in nodes))
    variables = frozenset(name for argument in nodes for name in variables_in(argument.value))
    convert = _converter(schema, field, node)
    if not variables:
        constant = convert(VariableValues({}, {}))
        return Arguments(lambda _: constant, text, constant)
    converted = [argument.value for argument in nodes if not _is_plain(field, argument)]
    others = {name for value in converted for name in variables_in(value)}
    template = _cached(_template(convert, variables - others), sorted(others))
    return Arguments(lambda variables: template(variables).filled_in(variables), text)


def variables_in(value: ValueNode) -> list[str]:
    """Returns the names of the variables in a value."""
    if isinstance(value, VariableNode):
        return [value.name.value]
    if isinstance(value, ListValueNode):
        return [name for item in value.values for name in variables_in(item)]
    if isinstance(value, ObjectValueNode):
        return [name for member in value.fields for name in variables_in(member.value)]
    return []


def _shortened(text: str) -> str:
    """Shortens a long string to its beginning and a digest, so that different strings remain different.

    This keeps a plan small even if many of its fields have long arguments.
    """
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:100]}… {blake2b(text.encode(), digest_size=16).hexdigest()}"


def _converter(
    schema: GraphQLSchema, field: GraphQLField, node: FieldNode
) -> Callable[[VariableValues], Values]:
    """Returns a function that converts the field's arguments with graphql-core and Strawberry."""

    def convert(variables: VariableValues) -> Values:
        return converted(schema, field, get_argument_values(field, node, variables))

    return convert


def _is_plain(field: GraphQLField, argument: ArgumentNode) -> bool:
    """Returns whether an argument is a variable whose value can be passed to the function unconverted.

    That is the case if the argument is optional and has no default, and if its type is a scalar whose
    GraphQL and Python values are equal.
    """
    declared = field.args[argument.name.value]
    return (
        isinstance(argument.value, VariableNode)
        and str(get_nullable_type(declared.type)) in _SAME_IN_PYTHON
        and not is_required_argument(declared)
        and declared.default is None
        and declared.default_value is Undefined
    )


class _Hole(NamedTuple):
    variable: str


class _Template(NamedTuple):
    """The converted arguments of a field, some of which have yet to be filled in from variables.

    constants: the arguments that are complete. holes: the arguments to fill in.
    """

    constants: Values
    holes: Sequence[tuple[str, str]]  # pairs: an argument's name, and the variable that provides its value

    def filled_in(self, variables: VariableValues) -> Values:
        if not self.holes:
            return self.constants
        values = variables.coerced
        return {**self.constants, **{name: values[v] for name, v in self.holes if v in values}}


def _template(convert: Callable[[VariableValues], Values], holes: Set[str]) -> _Conversion:
    """Returns a function that converts a field's arguments, but leaves holes in place of some variables.

    convert: converts the arguments, given the values of all variables. holes: the names of the variables to
    replace with holes. `_Template.filled_in` fills the holes with the values of these variables later.
    """
    placeholders = {variable: _Hole(variable) for variable in holes}

    def convert_with_holes(variables: VariableValues) -> _Template:
        values = convert(VariableValues({}, {**variables.coerced, **placeholders}))
        constants = {name: value for name, value in values.items() if not isinstance(value, _Hole)}
        return _Template(
            constants, [(name, v.variable) for name, v in values.items() if isinstance(v, _Hole)]
        )

    return convert_with_holes


def _cached(convert: _Conversion, names: Sequence[str]) -> _Conversion:
    """Wraps a conversion so that it caches its latest results.

    Without the cache, converting input objects would take as long as building a page of results.

    names: the variables that a result depends on. Their values are the cache key.
    """
    cache: dict[tuple[object, ...], _Template] = {}
    if not names:
        return lambda variables: cache.get(()) or cache.setdefault((), convert(variables))

    def convert_or_look_up(variables: VariableValues) -> _Template:
        values = variables.coerced
        key = tuple(values.get(name, Undefined) for name in names)
        if not all(map(_is_small, key)):
            return convert(variables)
        if key not in cache:
            if len(cache) == _MOST_CACHED:
                cache.clear()
            cache[key] = convert(variables)
        return cache[key]

    return convert_or_look_up


def _is_small(value: object) -> bool:
    return type(value) in _KEY_TYPES and (not isinstance(value, str) or len(value) <= _LONGEST_KEY)
