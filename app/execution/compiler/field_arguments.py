"""A field's arguments: compiled from the document, then evaluated with the variables."""

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

#: The types of values that may be keys of the cache: equal values are interchangeable, and they are small,
#: except for long strings.
_KEY_TYPES = {str, int, type(None), type(Undefined)}
_MOST_CACHED = 32
_LONGEST_KEY = 100  # characters

_LONGEST_TEXT = 200  # characters

_SAME_IN_PYTHON = {"String", "ID", "Boolean", "Int", "Float"}

#: Converts variables to arguments.
_Conversion: TypeAlias = Callable[[VariableValues], "_Template"]

#: A function's keyword arguments. They are shared between requests and must not be changed.
Values: TypeAlias = Mapping[str, Any]  # each function has arguments of its own types


class Arguments(NamedTuple):
    """The arguments of one field in one operation.

    values: evaluates them with the variables, to exactly the keyword arguments that Strawberry's own
    resolver would get. Raises GraphQLError for variables that don't fit.
    text: the arguments as written, sorted by name; a long text is shortened. Equal texts are equal arguments.
    constant: the keyword arguments if they depend on no variable, otherwise None.
    """

    values: Callable[[VariableValues], Values]
    text: str
    constant: Values | None = None


def compiled(schema: GraphQLSchema, field: GraphQLField, node: FieldNode) -> Arguments:
    """Compiles the arguments of a field. Constant parts are evaluated now."""
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
    """The names of the variables in a value."""
    if isinstance(value, VariableNode):
        return [value.name.value]
    if isinstance(value, ListValueNode):
        return [name for item in value.values for name in variables_in(item)]
    if isinstance(value, ObjectValueNode):
        return [name for member in value.fields for name in variables_in(member.value)]
    return []


def _shortened(text: str) -> str:
    """A long text's beginning and its digest, which keeps texts apart.

    A plan with a copy of a long text at each field would be large.
    """
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:100]}… {blake2b(text.encode(), digest_size=16).hexdigest()}"


def _converter(
    schema: GraphQLSchema, field: GraphQLField, node: FieldNode
) -> Callable[[VariableValues], Values]:
    """The conversion by graphql-core and Strawberry, which works for any arguments."""

    def convert(variables: VariableValues) -> Values:
        return converted(schema, field, get_argument_values(field, node, variables))

    return convert


def _is_plain(field: GraphQLField, argument: ArgumentNode) -> bool:
    """Whether an argument is a variable whose value the function takes without conversion.

    The argument's type is then a scalar with equal GraphQL and Python values, and the argument is neither
    required nor has a default.
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
    """Converted arguments with holes, for variables that are filled in later."""

    constants: Values
    holes: Sequence[tuple[str, str]]  # (argument, variable)

    def filled_in(self, variables: VariableValues) -> Values:
        if not self.holes:
            return self.constants
        values = variables.coerced
        return {**self.constants, **{name: values[v] for name, v in self.holes if v in values}}


def _template(convert: Callable[[VariableValues], Values], holes: Set[str]) -> _Conversion:
    """A conversion that leaves holes in place of some variables."""
    placeholders = {variable: _Hole(variable) for variable in holes}

    def convert_with_holes(variables: VariableValues) -> _Template:
        values = convert(VariableValues({}, {**variables.coerced, **placeholders}))
        constants = {name: value for name, value in values.items() if not isinstance(value, _Hole)}
        return _Template(
            constants, [(name, v.variable) for name, v in values.items() if isinstance(v, _Hole)]
        )

    return convert_with_holes


def _cached(convert: _Conversion, names: Sequence[str]) -> _Conversion:
    """A conversion that caches its latest results, by the variables that they depend on.

    Converting input objects takes as long as building a page. names: those variables.
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
