"""The bounds that the schema publishes with `@constraint` are those that the gateway enforces.

The tests read the bounds from the SDL, as a client does. A value at a bound is accepted. A value beyond it is
refused, with the same bound in `params`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from bson import ObjectId
from graphql import (
    ConstDirectiveNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_required_input_field,
    value_from_ast_untyped,
)

import resolvers.schema
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.fields import Declaration
from resolvers.schema import sdl
from tests.writes.support import STAFF, Doc, Gateway, Json, Value

SCHEMA = build_schema(sdl())
INPUTS = {  # the type of each mutation's input
    name: get_named_type(field.args["input"].type)
    for name, field in SCHEMA.mutation_type.fields.items()  # type: ignore[union-attr] # it has mutations
}
ROOTS = SCHEMA.query_type.fields  # type: ignore[union-attr] # it has queries

#: Somebody who may call every mutation.
ANYONE = Viewer(frozenset({"STAFF", "INSTRUCTOR", "STUDENT"}), ObjectId(), ObjectId(), "anyone")
LETTERS = "abcdefghij"


def bounds_of(value: GraphQLInputField | GraphQLArgument) -> Doc:
    """Returns the arguments of a value's `@constraint`."""
    directives: Sequence[ConstDirectiveNode] = (value.ast_node and value.ast_node.directives) or ()
    arguments = [a for d in directives if d.name.value == "constraint" for a in d.arguments or ()]
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in arguments}


# -- values -----------------------------------------------------------------------------------------------


def text(length: int, format: str | None = None) -> str:
    """Makes a valid text of a certain length."""
    if format == "email":
        domain = "".join("." if n % 60 == 59 else "b" for n in range(length - 5))
        return f"ada@{domain}c"
    start = {"url": "https://a.example/", "https": "https://a.example/", "language": "en"}.get(
        format or "", ""
    )
    if format == "language":
        return start + "".join("-" if n % 9 == 0 else "a" for n in range(length - 2))
    return (start + LETTERS * length)[:length]


SCALARS = {"DateTime": "2030-05-01T09:00:00Z", "Boolean": True}
SHORT = {"currency": "EUR", "country": "DE", "language": "en", "term": "2026-1"}


def valid(type_: GraphQLInputType, bounds: Doc) -> Value:  # one for each kind of type
    """Makes any valid value."""
    kind = get_named_type(type_)
    if is_list_type(get_nullable_type(type_)):
        return []
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: valid(field.type, bounds_of(field))
            for name, field in kind.fields.items()
            if is_required_input_field(field) or (kind.is_one_of and name == next(iter(kind.fields)))
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if kind.name in {"Int", "Float"}:
        return bounds["min"]
    if kind.name in SCALARS:
        return SCALARS[kind.name]
    return SHORT.get(bounds.get("format", "")) or text(
        max(20, bounds.get("minLength", 0)), bounds.get("format")
    )


class Trial(NamedTuple):
    """A value at a bound or beyond it. refused: the reason and params of the refusal; None if it is valid."""

    value: Value
    refused: tuple[str, Doc] | None


def trials(type_: GraphQLInputType, bounds: Doc) -> Iterator[Trial]:
    """Yields values at the bounds of an input value and beyond them."""
    if is_list_type(get_nullable_type(type_)):
        item = get_nullable_type(type_).of_type  # type: ignore[union-attr] # it is a list
        if most := bounds.get("maxItems"):
            yield Trial(items(item, bounds, most), None)
            yield Trial(items(item, bounds, most + 1), ("TOO_LONG", {"max": most}))
        for value, refused in trials(item, bounds):
            yield Trial([value], refused and (refused[0], {**refused[1], "item": 0}))
        return
    step = 1 if get_named_type(type_).name == "Int" else 0.001
    if (least := bounds.get("min")) is not None:
        yield from (Trial(least, None), Trial(least - step, ("TOO_SMALL", {"min": least})))
    if (most := bounds.get("max")) is not None:
        yield from (Trial(most, None), Trial(most + step, ("TOO_LARGE", {"max": most})))
    if least := bounds.get("minLength"):
        yield Trial(text(least, bounds.get("format")), None)
        yield Trial(text(least - 1), ("REQUIRED", {}) if least == 1 else ("TOO_SHORT", {"min": least}))
    if most := bounds.get("maxLength"):
        yield Trial(text(most, bounds.get("format")), None)
        yield Trial(text(most + 1, bounds.get("format")), ("TOO_LONG", {"max": most}))


def items(type_: GraphQLInputType, bounds: Doc, number: int) -> list[Value]:
    """Makes a list of valid values, which are distinct if possible."""
    kind = get_named_type(type_)
    if isinstance(kind, GraphQLEnumType):
        return [list(kind.values)[n % len(kind.values)] for n in range(number)]
    return [f"{valid(type_, bounds)[:30]}{n}" for n in range(number)]


def inputs_of(kind: GraphQLInputObjectType) -> Iterator[tuple[list[str], GraphQLInputField]]:
    """Yields the fields of an input and of the inputs in it, each with its path."""
    for name, field in kind.fields.items():
        yield [name], field
        if is_input_object_type(inner := get_named_type(field.type)):
            yield from (([name, *path], own) for path, own in inputs_of(inner))


def with_value(input: Doc, kind: GraphQLInputObjectType, path: Sequence[str], value: Value) -> Doc:
    name, *rest = path
    if not rest:
        return {name: value} if kind.is_one_of else input | {name: value}
    field = kind.fields[name]
    inner = input.get(name) or valid(get_nullable_type(field.type), bounds_of(field))
    return input | {name: with_value(inner, get_named_type(field.type), rest, value)}


# -- mutations --------------------------------------------------------------------------------------------


async def errors_at(gateway: Gateway, name: str, input: Doc, path: Sequence[str]) -> list[Json]:
    """Runs a mutation, and returns its errors at a path that have a reason."""
    query = f"""mutation($input: {INPUTS[name]}!) {{
      {name}(input: $input) {{ errors {{ code message path reason params }} }} }}"""
    payload = (await gateway.ask(query, {"input": input}, ANYONE))[name]
    return [e for e in payload["errors"] if e["reason"] and e["path"] == ["input", *path]]


@pytest.mark.parametrize("name", INPUTS)
async def test_each_bound_of_an_input(gateway: Gateway, database: Database, name: str) -> None:
    kind = INPUTS[name]
    sent = valid(kind, {})
    tried = 0
    for path, field in inputs_of(kind):
        for value, refused in trials(field.type, bounds_of(field)):
            found = await errors_at(gateway, name, with_value(sent, kind, path, value), path)
            assert [(e["reason"], e["params"] or {}) for e in found] == ([refused] if refused else []), value
            assert all(e["code"] == "INVALID" and e["message"] for e in found)
            tried += 1
    assert tried >= 2  # at least those of `clientMutationId`


def declared(kind: GraphQLInputObjectType) -> Mapping[str, Declaration]:
    """Returns the declarations of an input type's fields."""
    fields = resolvers.schema.schema.type_map[kind.name].fields  # type: ignore[attr-defined] # an input type
    return {name: field.extensions["strawberry-definition"] for name, field in fields.items()}


@pytest.mark.parametrize("kind", {kind.name: kind for kind in INPUTS.values()}.values(), ids=str)
def test_every_text_and_number_of_an_input_has_bounds(kind: GraphQLInputObjectType) -> None:
    """A text without bounds or a format is one that its check truncates, because it is only compared."""
    for path, field in inputs_of(kind):
        bounds, type_ = bounds_of(field), get_named_type(field.type).name
        if type_ in {"Int", "Float"}:
            assert bounds.keys() == {"min", "max"}, path
        if type_ == "String" and not bounds.keys() & {"maxLength", "format"}:
            assert len(declared(kind)[path[-1]].metadata["check"]("x" * 10_000)) < 10_000, path
        if is_list_type(get_nullable_type(field.type)):
            assert "maxItems" in bounds, path


# -- queries ----------------------------------------------------------------------------------------------


async def refused_query(gateway: Gateway, root: str, name: str, value: Value) -> tuple[str, Doc] | None:
    """Runs a query with one argument. Returns the reason and params of its refusal, or None."""
    query = f"query($x: {ROOTS[root].args[name].type}) {{ {root}({name}: $x) {{ __typename }} }}"
    answer = await gateway.post(query, {"x": value}, STAFF)
    if "errors" not in answer:
        return None
    (error,) = answer["errors"]
    assert error["extensions"].pop("code") == "BAD_USER_INPUT"
    return error["extensions"]["reason"], error["extensions"]["params"]


ARGUMENTS = [
    (root, name) for root, field in ROOTS.items() for name, arg in field.args.items() if bounds_of(arg)
]


@pytest.mark.parametrize(("root", "name"), ARGUMENTS)
async def test_each_bound_of_an_argument(gateway: Gateway, root: str, name: str) -> None:
    argument = ROOTS[root].args[name]
    for value, refused in trials(argument.type, bounds_of(argument)):
        assert await refused_query(gateway, root, name, value) == refused, value


FILTERS = [
    (root, name)
    for root, field in ROOTS.items()
    for name, arg in field.args.items()
    if is_input_object_type(kind := get_named_type(arg.type))
    and any(bounds_of(own) for own in kind.fields.values())
]


@pytest.mark.parametrize(("root", "name"), FILTERS)
async def test_each_bound_of_a_filter(gateway: Gateway, root: str, name: str) -> None:
    kind = get_named_type(ROOTS[root].args[name].type)
    for path, field in inputs_of(kind):
        for value, refused in trials(field.type, bounds_of(field)):
            expected = refused and (
                refused[0],
                {key: refused[1][key] for key in refused[1].keys() - {"item"}},
            )
            assert await refused_query(gateway, root, name, with_value({}, kind, path, value)) == expected


def test_every_text_argument_has_a_bound() -> None:
    """Except cursors, which are verified by their signature, and global IDs, which have a fixed form."""
    unbounded = {
        name
        for kind in SCHEMA.type_map.values()
        for field in getattr(kind, "fields", {}).values()
        for name, argument in getattr(field, "args", {}).items()
        if get_named_type(argument.type).name == "String" and "maxLength" not in bounds_of(argument)
    }
    assert unbounded == {"after", "before"}


async def test_white_space_around_an_address_does_not_count(gateway: Gateway) -> None:
    address = text(254, "email")
    sent = {"name": "Ada", "email": f" {address}\n", "password": "correct horse battery"}
    assert await errors_at(gateway, "signUp", sent, ["email"]) == []


def test_every_argument_of_one_name_has_the_same_bounds() -> None:
    """So those of nested lists are the ones that were tried above."""
    fields = [(f"{kind}.{name}", field) for kind, own in SCHEMA.type_map.items() for name, field in
              getattr(own, "fields", {}).items() if not isinstance(own, GraphQLInputObjectType)]  # fmt: skip
    found: dict[str, list[Doc]] = {}
    for _, field in fields:
        for name, argument in field.args.items():
            if bounds_of(argument) and bounds_of(argument) not in found.setdefault(name, []):
                found[name].append(bounds_of(argument))
    assert found.keys() == {name for _, name in ARGUMENTS}
    # tests/resolvers/test_related_courses.py tries the bounds of a list without pages
    assert found["first"] == [{"min": 0, "max": 100}, {"min": 0, "max": 12}]
    assert all(len(bounds) == 1 for name, bounds in found.items() if name != "first")
    lists = [field for _, field in fields if "after" in field.args]
    assert lists
    assert all(
        bounds_of(field.args[name]) == {"min": 0, "max": 100} for field in lists for name in ("first", "last")
    )


def test_the_docs_describe_each_format() -> None:
    values = [*(field for kind in INPUTS.values() for _, field in inputs_of(kind))]
    used = {bounds["format"] for field in values if "format" in (bounds := bounds_of(field))}
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    table = page.partition("| format | value |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == used
    directive = SCHEMA.get_directive("constraint")
    assert directive is not None
    described = (directive.description or "").partition("`format` is")[2]
    assert {name for name in re.findall(r"`([\w-]+)`", described) if name.isalpha()} == used
