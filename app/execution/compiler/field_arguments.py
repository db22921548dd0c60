"""A field's arguments: from the text and the variables to what its function takes."""

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

#: Types whose values are told apart by equality, and that are small, but for long strings.
_REMEMBERED = {str, int, type(None), type(Undefined)}
_MOST_REMEMBERED = 32
_LONGEST_REMEMBERED = 100  # characters

_LONGEST_TEXT = 200  # characters

_SAME_IN_PYTHON = {"String", "ID", "Boolean", "Int", "Float"}

#: From the variables to arguments.
_Conversion: TypeAlias = Callable[[VariableValues], "_Template"]

#: A function's keyword arguments. Shared between requests: not to be changed.
Values: TypeAlias = Mapping[str, Any]


class Arguments(NamedTuple):
    """The arguments of one field in one operation.

    values: from the variables to exactly those keyword arguments that Strawberry's own resolver would get.
    Raises GraphQLError for variables that don't fit.
    text: as they are written, by name, a long one shortened; equal texts are equal arguments.
    constant: the keyword arguments, where they depend on no variable.
    """

    values: Callable[[VariableValues], Values]
    text: str
    constant: Values | None = None


def compiled(schema: GraphQLSchema, field: GraphQLField, node: FieldNode) -> Arguments:
    """The arguments of a field: evaluated now as far as they are constant."""
    written = sorted(node.arguments or (), key=lambda argument: argument.name.value)
    text = _shortened(", ".join(print_ast(argument) for argument in written))
    variables = frozenset(name for argument in written for name in variables_in(argument.value))
    anew = _converter(schema, field, node)
    if not variables:
        constant = anew(VariableValues({}, {}))
        return Arguments(lambda _: constant, text, constant)
    converted = [argument.value for argument in written if not _is_plain(field, argument)]
    others = {name for value in converted for name in variables_in(value)}
    template = _remembering(_template(anew, variables - others), sorted(others))
    return Arguments(lambda given: template(given).filled_in(given), text)


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
    """The digest keeps long texts apart: a plan with a copy of them at each of its fields would be large."""
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:100]}… {blake2b(text.encode(), digest_size=16).hexdigest()}"


def _converter(
    schema: GraphQLSchema, field: GraphQLField, node: FieldNode
) -> Callable[[VariableValues], Values]:
    """The way of graphql-core and Strawberry, for any arguments."""

    def convert(variables: VariableValues) -> Values:
        return converted(schema, field, get_argument_values(field, node, variables))

    return convert


def _is_plain(field: GraphQLField, argument: ArgumentNode) -> bool:
    """Whether an argument is a variable, and a variable's value is what the function takes: of a scalar that
    is its own Python value, neither required nor with a default.
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
    """Arguments in which some variables are yet to be filled in."""

    constants: Values
    holes: Sequence[tuple[str, str]]  # (argument, variable)

    def filled_in(self, variables: VariableValues) -> Values:
        if not self.holes:
            return self.constants
        given = variables.coerced
        return {**self.constants, **{name: given[v] for name, v in self.holes if v in given}}


def _template(convert: Callable[[VariableValues], Values], holes: Set[str]) -> _Conversion:
    """What a conversion gives with holes in the place of some variables."""
    instead = {variable: _Hole(variable) for variable in holes}

    def made(variables: VariableValues) -> _Template:
        values = convert(VariableValues({}, {**variables.coerced, **instead}))
        constants = {name: value for name, value in values.items() if not isinstance(value, _Hole)}
        return _Template(
            constants, [(name, v.variable) for name, v in values.items() if isinstance(v, _Hole)]
        )

    return made


def _remembering(convert: _Conversion, variables: Sequence[str]) -> _Conversion:
    """A conversion that keeps its last results, by the variables that they depend on: input objects take as
    long to convert as a page to build.
    """
    kept: dict[tuple[Any, ...], _Template] = {}
    if not variables:
        return lambda given: kept.get(()) or kept.setdefault((), convert(given))

    def convert_or_remember(variables_given: VariableValues) -> _Template:
        given = variables_given.coerced
        key = tuple(given.get(name, Undefined) for name in variables)
        if not all(map(_is_small, key)):
            return convert(variables_given)
        if key not in kept:
            if len(kept) == _MOST_REMEMBERED:
                kept.clear()
            kept[key] = convert(variables_given)
        return kept[key]

    return convert_or_remember


def _is_small(value: Any) -> bool:
    return type(value) in _REMEMBERED and (type(value) is not str or len(value) <= _LONGEST_REMEMBERED)
