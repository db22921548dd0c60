"""Chooses values of variables with which an operation costs most, to price it without knowing its values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    type_from_ast,
)

from app import error_codes
from app.execution.compiler import CoercedValues, variables_in
from app.execution.operation import JsonObject
from app.execution.pricing import TYPE
from app.execution.refusals import RefusedError
from app.execution.variables import Variables
from app.operation_limits import Limits
from resolvers.relay import MAX_SIZE, MOST_IDS

_Type: TypeAlias = Any  # type_from_ast and get_nullable_type are declared to return wider types

_MOST_CONDITIONS = 6  # variables that are used both in @skip and in @include: each doubles the combinations


def upper_values(
    schema: GraphQLSchema,
    nodes: Sequence[SelectionNode],
    definition: OperationDefinitionNode,
    given: JsonObject,
    limits: Limits,
) -> Iterator[CoercedValues]:
    """Yields values of an operation's variables. With one of these, the operation costs most.

    A variable has the value that is given, or else its default. Otherwise, it has the largest value that the
    limits allow: a page size of 100, 100 IDs, lists of `list_values` values. Conditions include as much as
    they can.

    nodes: all selections of the document. given: maps the names of variables to JSON values.

    Raises RefusedError if a given value doesn't have the type of its variable, or if a value is needed.
    """
    definitions = definition.variable_definitions or ()
    settled = [d for d in definitions if d.variable.name.value in given or d.default_value is not None]
    known = replace(definition, variable_definitions=tuple(settled))
    values = dict(Variables(schema, known).coerced(given).coerced)
    open_ = {d.variable.name.value: d for d in definitions if d.variable.name.value not in values}
    _refuse_type_names(nodes, open_)
    ids = set(_arguments(nodes, "ids"))
    for name, variable in open_.items():
        most = MOST_IDS if name in ids else limits.list_values
        values[name] = _largest(type_from_ast(schema, variable.type), most, ())
    yield from _with_conditions(nodes, values, open_)


def _largest(type_: _Type, most: int, within: tuple[GraphQLInputObjectType, ...]) -> object:
    """Returns the largest value of a type, as far as the cost depends on it.

    most: the maximum length of a list. within: the input types that contain the value.
    """
    type_ = get_nullable_type(type_)
    if is_list_type(type_):
        return [_largest(type_.of_type, most, within)] * most
    if not is_input_object_type(type_):
        return MAX_SIZE if type_.name == "Int" else ""
    if type_ in within:
        return None
    return {name: _largest(field.type, most, (*within, type_)) for name, field in type_.fields.items()}


def _with_conditions(
    nodes: Sequence[SelectionNode], values: Mapping[str, Any], open_: Mapping[str, object]
) -> Iterator[CoercedValues]:
    included, skipped = (set(_conditions(nodes, name)) & open_.keys() for name in ("include", "skip"))
    both = sorted(included & skipped)
    if len(both) > _MOST_CONDITIONS:
        raise _needed(both[0], "is used in @skip and in @include")
    fixed = {**values, **dict.fromkeys(included, True), **dict.fromkeys(skipped, False)}
    for choice in product((True, False), repeat=len(both)):
        yield {**fixed, **dict(zip(both, choice, strict=True))}


def _conditions(nodes: Sequence[SelectionNode], directive: str) -> Iterator[str]:
    for node in nodes:
        for used in node.directives or ():
            if used.name.value == directive:
                for argument in used.arguments or ():
                    yield from variables_in(argument.value)


def _arguments(nodes: Sequence[SelectionNode], argument_name: str, field: str = "") -> Iterator[str]:
    """Yields the variables in arguments of this name; of any field, unless a name is given."""
    for node in nodes:
        if isinstance(node, FieldNode) and field in {"", node.name.value}:
            for argument in node.arguments or ():
                if argument.name.value == argument_name:
                    yield from variables_in(argument.value)


def _refuse_type_names(nodes: Sequence[SelectionNode], open_: Mapping[str, object]) -> None:
    for name in _arguments(nodes, "name", TYPE):
        if name in open_:
            raise _needed(name, "names a type")


def _needed(name: str, reason: str) -> RefusedError:
    message = f"The variable `${name}` {reason}, so the price depends on it: give it a value."
    return RefusedError([GraphQLError(message)], error_codes.BAD_USER_INPUT)
