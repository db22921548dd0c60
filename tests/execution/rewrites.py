"""Rewrites of an operation. Each changes one thing in a tree, drawn from what the tree contains.

Most operations stay valid. Those that become invalid are refused before they run, and counted.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_nullable_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.execution.tree import Definition, Field, Fragment, Place, Selection, Tree, Value, Variable, as_json

Rewrite = Callable[[DrawFn, GraphQLSchema, Tree], None]


class Slot(NamedTuple):
    """The place of a value: `holder[key]`, of a type."""

    holder: Any
    key: Any
    type: Any


def rename(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Adds an alias."""
    if chosen := _one(draw, tree.fields()):
        chosen.alias = tree.fresh("a")


def repeat(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Selects a field again elsewhere in its set, with a part of its selections: the two are merged."""
    place, index = _somewhere(draw, tree)
    again = copy(place.selections[index])
    again.selections = list(again.selections)
    if len(again.selections) > 1 and not (isinstance(again, Fragment) and again.name):
        again.selections = again.selections[draw(st.integers(0, len(again.selections) - 1)) :]
    place.selections.insert(draw(st.integers(0, len(place.selections))), again)


def twin(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Selects a field again under an alias, with equal arguments."""
    if chosen := _one(draw, tree.fields()):
        place = next(p for p in tree.places() if chosen in p.selections)
        place.selections.append(_copied(chosen, tree.fresh("a")))


def root_twin(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Selects a root field again, which is the same call with everything below it."""
    roots = [s for s in tree.selections if isinstance(s, Field) and s.definition is not None]
    if chosen := _one(draw, roots):
        tree.selections.append(_copied(chosen, tree.fresh("a")))


def branch(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Copies a field to another selection on the same type: the same call in another branch."""
    place = draw(st.sampled_from(tree.places()))
    elsewhere = [f for f in tree.fields() if f.of is place.on and not _holds(f.selections, place.selections)]
    if chosen := _one(draw, elsewhere):
        place.selections.append(_copied(chosen, tree.fresh("a")))


def name_fragment(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Moves neighbouring selections into a named fragment, which may be spread twice."""
    place, some = _cut(draw, tree)
    fragment = Fragment(place.on, some, tree.fresh("F"))
    place.selections.append(fragment)
    elsewhere = [p for p in tree.places() if p.on is place.on and p.selections is not some]
    other = draw(st.sampled_from(elsewhere))
    if draw(st.booleans()) and not _holds(some, other.selections):
        other.selections.insert(0, copy(fragment))


def inline_fragment(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Moves neighbouring selections into an inline fragment, with or without a type condition."""
    place, some = _cut(draw, tree)
    on = place.on if draw(st.booleans()) else None
    place.selections.insert(draw(st.integers(0, len(place.selections))), Fragment(on, some))


def as_node(draw: DrawFn, schema: GraphQLSchema, tree: Tree) -> None:
    """Adds a fragment on the interface to a selection on a type that implements it."""
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    places = [p for p in tree.places() if p.on is node or _implements(p.on, node)]
    if place := _one(draw, places):
        name = draw(st.sampled_from([None, tree.fresh("F")]))
        inner: list[Selection] = [Field("__typename", node), Field("id", node)]
        if isinstance(place.on, GraphQLObjectType):
            inner.append(Fragment(place.on, [Field("id", place.on, alias=tree.fresh("a"))]))
        at = draw(st.integers(0, len(place.selections)))
        place.selections.insert(at, Fragment(node, inner[draw(st.integers(0, 1)) :], name))


def condition(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Adds @skip or @include, with a literal or a variable."""
    place, index = _somewhere(draw, tree)
    chosen = place.selections[index]
    value = draw(st.booleans())
    by = value if draw(st.booleans()) else _flag(draw, tree, value)
    chosen.directives = chosen.directives | {draw(st.sampled_from(["skip", "include"])): by}


def typename(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    place = draw(st.sampled_from(tree.places()))
    alias = draw(st.sampled_from([None, tree.fresh("a")]))
    at = draw(st.integers(0, len(place.selections)))
    place.selections.insert(at, Field("__typename", place.on, alias=alias))


def turn(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Changes the order of the keys."""
    place = draw(st.sampled_from(tree.places()))
    by = draw(st.integers(0, len(place.selections) - 1))
    place.selections[:] = place.selections[by:] + place.selections[:by]


def variable(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Replaces a value, or a part of one, by a variable."""
    if slot := _one(draw, _slots(tree)):
        value = slot.holder[slot.key]
        slot.holder[slot.key] = Variable(_defined(draw, tree, slot.type, value))


def shared_variable(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Replaces several sizes by one variable."""
    sized = [f for f in tree.fields() if isinstance(f.arguments.get("first"), int)]
    if len(sized) > 1:
        name = _defined(draw, tree, "Int", draw(st.integers(1, 4)))
        for chosen in sized:
            chosen.arguments["first"] = Variable(name)


def left_out(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Passes a variable without a value or a default to an optional argument."""
    fields = [f for f in tree.fields() if f.definition and "after" in f.definition.args]
    if chosen := _one(draw, fields):
        name = draw(st.sampled_from(["first", "after", "last", "before"]))
        if name not in chosen.arguments:
            variable = tree.fresh("v")
            tree.variables[variable] = Definition("String" if name in {"after", "before"} else "Int", None)
            chosen.arguments[name] = Variable(variable)


def another_operation(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Adds a second operation to the document, so that the name selects one."""
    tree.name, tree.more = tree.fresh("Q"), "query Other { platform { __typename } }"


def introspect(draw: DrawFn, _: GraphQLSchema, tree: Tree) -> None:
    """Sometimes adds introspection, which has no plan."""
    if draw(st.integers(0, 9)) == 9:
        asked = ["__schema { queryType { name } }", '__type(name: "Course") { name }']
        tree.selections.append(Field(draw(st.sampled_from(asked)), tree.root))  # its name is printed verbatim


REWRITES: tuple[Rewrite, ...] = (
    rename, repeat, twin, root_twin, branch, branch, name_fragment, inline_fragment, as_node, condition,
    condition, typename, turn, variable, variable, variable, shared_variable, left_out,
    another_operation, introspect,
)  # fmt: skip


def _one(draw: DrawFn, choices: list[Any]) -> Any:
    return draw(st.sampled_from(choices)) if choices else None


def _somewhere(draw: DrawFn, tree: Tree) -> tuple[Place, int]:
    place = draw(st.sampled_from(tree.places()))
    return place, draw(st.integers(0, len(place.selections) - 1))


def _cut(draw: DrawFn, tree: Tree) -> tuple[Place, list[Selection]]:
    """Removes some neighbouring selections from their set, and returns them."""
    place, start = _somewhere(draw, tree)
    end = draw(st.integers(start + 1, len(place.selections)))
    some = place.selections[start:end]
    del place.selections[start:end]
    return place, some


def _copied(chosen: Field, alias: str) -> Field:
    again = copy(chosen)
    again.alias, again.selections = alias, list(chosen.selections)
    return again


def _holds(selections: list[Selection], other: list[Selection]) -> bool:
    """Whether a selection set contains another: a fragment must not spread itself."""
    return selections is other or any(_holds(s.selections, other) for s in selections)


def _implements(kind: GraphQLNamedType, interface: GraphQLInterfaceType) -> bool:
    return isinstance(kind, GraphQLObjectType) and interface in kind.interfaces


def _flag(draw: DrawFn, tree: Tree, value: bool) -> Variable:
    """A new Boolean variable whose value is given, or is its default."""
    name = tree.fresh("b")
    if draw(st.booleans()):
        tree.variables[name] = Definition("Boolean!", None)
        tree.given[name] = value
    else:
        tree.variables[name] = Definition("Boolean", (value,))
        tree.given |= draw(st.sampled_from([{}, {}, {name: not value}, {name: None}]))
    return Variable(name)


def _slots(tree: Tree) -> list[Slot]:
    """All values, and parts of values, that neither are nor contain a variable."""
    found: list[Slot] = []
    for field in tree.fields():
        assert field.definition is not None
        for name in field.arguments:
            _collect(Slot(field.arguments, name, field.definition.args[name].type), found)
    return found


def _collect(slot: Slot, found: list[Slot]) -> None:
    value, inner = slot.holder[slot.key], get_nullable_type(slot.type)
    if isinstance(value, list) and isinstance(inner, GraphQLList):
        for index in range(len(value)):
            _collect(Slot(value, index, inner.of_type), found)
    if isinstance(value, dict) and isinstance(inner, GraphQLInputObjectType):
        for name in value:
            _collect(Slot(value, name, inner.fields[name].type), found)
    if not _has_variable(value):
        found.append(slot)


def _has_variable(value: Value) -> bool:
    if isinstance(value, Variable):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_variable, inner))


def _defined(draw: DrawFn, tree: Tree, type_: Any, value: Value) -> str:
    """A new variable. It may have a default, and its value may be the given one, null, invalid or absent."""
    name, required = tree.fresh("v"), isinstance(type_, GraphQLNonNull)
    how = draw(st.sampled_from(["given"] * 6 + ["default"] * 3 + ["both", "null", "absent", "wrong"]))
    default = (value,) if how in {"default", "both"} else None
    loose = str(type_).removesuffix("!") if required and default and draw(st.booleans()) else str(type_)
    tree.variables[name] = Definition(loose, default)
    told = {"given": as_json(value), "both": as_json(value), "null": None, "wrong": {"no": ["such"]}}
    if how in told:
        tree.given[name] = told[how]
    elif how == "absent" and required:
        tree.given[name] = as_json(value)
    return name
