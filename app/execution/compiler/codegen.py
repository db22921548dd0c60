"""Generates Python functions from a plan.

There is one build function for each call site, that is, for each place in the plan that needs a call. The
function turns the documents that the call returns into result objects, with their keys in the order of the
response. Its code is what one would write by hand for the selected fields. The function also returns the
parents of the nested calls, and the result objects that will receive the values of the nested calls:

    def build(values, slots):
        p1 = []; s1 = []
        for v0, slot in zip(values, slots, strict=True):
            r2 = {'title': x if type(x := v0['title']) is str else c1(x), 'reviews': None}
            p1.append(v0); s1.append(r2)
            slot[key] = r2
        return [(p1, s1)]

A value that already has the Python type of its field, such as str for String, is used unchanged. Any other
value is coerced as the GraphQL type of the field requires. If an error occurs, the build function raises an
exception, and app.execution.runner.completion completes the value instead.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import CodeType, FunctionType
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLOutputType,
    GraphQLScalarType,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from app.execution.compiler.plan import (
    Build,
    Built,
    Called,
    CallSite,
    Computed,
    Position,
    Route,
    Selection,
    Step,
    Stored,
    Typename,
    Value,
)

#: For most scalars, a Python condition that is true if a value needs no coercion. A condition contains
#: `{first}` where it uses the value for the first time, and `{x}` where it uses the value again.
_RIGHT: Mapping[str, str] = {
    "String": "type({first}) is str",
    "ID": "type({first}) is str",
    "Boolean": "type({first}) is bool",
    # CPython compares integers below 2**30 faster. Larger ones are coerced, which gives the same value.
    "Int": "type({first}) is int and -1073741823 <= {x} <= 1073741823",
    "Float": "type({first}) is float and {x} - {x} == 0.0",  # excludes infinity and NaN, which GraphQL lacks
    "DateTime": "type({first}) is datetime and {x}.tzinfo is None",  # encoded by orjson in the API's format
}


#: The assumed length of every list, for estimating how many fields a build function builds.
_ITEMS = 10


class Compiler:
    """Generates the functions that build one plan's results.

    Functions with the same source are compiled only once.
    """

    def __init__(self) -> None:
        self._count = 0
        self._code: dict[str, CodeType] = {}

    def site(self, position: Position, above: Route = ()) -> CallSite:
        """Returns the call site of a field, with all call sites nested below it.

        above: the route to the object that contains the field.
        """
        assert isinstance(position.source, Called)  # noqa: S101  # for the type checker
        route = (*above, _step(position))
        function = _Function(self.site, route)
        result = function.completed(position.type, position.selections)
        built = function.built(f"slot[key] = {result}", position, self._code)
        self._count += 1
        return CallSite(self._count - 1, position, position.source, route, built)


def list_items(site: CallSite, position: Position, type_: GraphQLOutputType) -> Built:
    """Returns a build function that completes the items of a list.

    Other build functions store each result in a result object. This one appends each result to a list.

    site: the call site whose values contain the list.
    position: the field that returns the list. type_: the type of the items.
    """
    known = {id(below.position): below for below in site.built.below}
    function = _Function(lambda inner, _: known[id(inner)], ())
    result = function.completed(type_, position.selections)
    return function.built(f"slot.append({result})", position, {})


class _Function:
    """Writes the source of one build function, statement by statement.

    site: a function that returns the call site of a field, given the field's position in the plan and the
    route to the object that has the field.
    """

    def __init__(self, site: Callable[[Position, Route], CallSite], route: Route) -> None:
        self._site, self._route = site, route
        self._lines: list[str] = []
        self._depth = 2
        self._count = 0
        self._items, self._weight = 1, 1
        self._names: dict[str, Any] = {  # the build function's globals, of various types
            "datetime": datetime,
            "as_list": _as_list,
            "objects": {dict, tuple},
            "Wrong": WrongTypeError,
        }
        # The nested call sites, each with the suffix of its two lists (see `_wait`).
        self._below: list[tuple[str, CallSite]] = []

    def completed(self, type_: GraphQLOutputType, selections: Mapping[str, Selection]) -> str:
        """Writes the statements that complete a value. Returns an expression for the result."""
        return self._complete(type_, "v0", selections)

    def built(self, last: str, position: Position, known: dict[str, CodeType]) -> Built:
        """Compiles the function.

        last: the function's last statement. known: the code compiled so far, keyed by its source.
        """
        self._write(last)
        numbers = [number for number, _ in self._below]
        lists = "".join(f"    p{n} = []; s{n} = []\n" for n in numbers)
        pairs = ", ".join(f"(p{n}, s{n})" for n in numbers)
        source = (
            f"def build(values, slots):\n{lists}"
            "    for v0, slot in zip(values, slots, strict=True):\n"
            + "\n".join(self._lines)
            + f"\n    return [{pairs}]\n"
        )
        if (code := known.get(source)) is None:
            module = compile(source, f"<{position.coordinate}>", "exec")
            code = known[source] = next(c for c in module.co_consts if isinstance(c, CodeType))
        # Each function gets its own copy of the code object, because CPython specializes a code object for
        # the types that it is run with.
        build: Build = FunctionType(code.replace(), self._names | {"key": position.key})
        return Built(build, [site for _, site in self._below], self._weight)

    def _complete(self, type_: GraphQLOutputType, value: str, selections: Mapping[str, Selection]) -> str:
        """Writes the statements that complete a value of a type. Returns an expression for the result.

        Null in a non-null position needs no separate check, because the code for lists, objects and leaves
        raises for null just as it does for any other value of the wrong type.
        """
        required, nullable = is_non_null_type(type_), get_nullable_type(type_)
        if is_leaf_type(nullable):
            return self._leaf(nullable, value, required=required)
        name = self._named(value)
        if required:
            return self._present(nullable, name, selections)
        result = self._fresh("r")
        self._write(f"if {name} is None:")
        with self._indented():
            self._write(f"{result} = None")
        self._write("else:")
        with self._indented():
            self._write(f"{result} = {self._present(nullable, name, selections)}")
        return result

    def _present(self, type_: Any, name: str, selections: Mapping[str, Selection]) -> str:
        # Any: get_nullable_type is declared to return input types too.
        if is_list_type(type_):
            return self._list(type_.of_type, name, selections)
        if is_abstract_type(type_):
            return self._abstract(name, selections)
        (selection,) = selections.values()
        return self._object(selection, name)

    def _list(self, type_: GraphQLOutputType, name: str, selections: Mapping[str, Selection]) -> str:
        self._write(f"if type({name}) is not list: {name} = as_list({name})")
        nullable = get_nullable_type(type_)
        if is_leaf_type(nullable):
            item = self._leaf(nullable, "e", required=is_non_null_type(type_))
            return f"{name} if {self._all_right(nullable, name)} else [{item} for e in {name}]"
        result, item = self._fresh("r"), self._fresh("v")
        self._write(f"{result} = []")
        self._write(f"for {item} in {name}:")
        with self._indented(), self._at(Step(None, not is_non_null_type(type_)), times=_ITEMS):
            self._write(f"{result}.append({self._complete(type_, item, selections)})")
        return result

    def _abstract(self, name: str, selections: Mapping[str, Selection]) -> str:
        result = self._fresh("r")
        self._write(f"match {name}['__typename']:")
        with self._indented():
            for type_name, selection in selections.items():
                self._write(f"case {type_name!r}:")
                with self._indented():
                    self._write(f"{result} = {self._object(selection, name)}")
            self._write("case _: raise Wrong")
        return result

    def _object(self, selection: Selection, name: str) -> str:
        positions = selection.positions
        if not any(isinstance(position.source, Stored) for position in positions):
            # Normally, a value that isn't an object is noticed because reading a stored field from it fails.
            # This selection reads no stored field, so the generated code checks the type explicitly.
            self._write(f"if type({name}) not in objects: raise Wrong")
        members = ", ".join(f"{p.key!r}: {self._member(p, name)}" for p in positions)
        waiting = [position for position in positions if isinstance(position.source, Called)]
        if not waiting:
            return f"{{{members}}}"
        result = self._fresh("r")
        self._write(f"{result} = {{{members}}}")
        for position in waiting:
            number = self._wait(position)
            self._write(f"p{number}.append({name}); s{number}.append({result})")
        return result

    def _member(self, position: Position, name: str) -> str:
        """Returns an expression for a field's result.

        If a later call will provide the result, returns "None" as a placeholder.
        """
        self._weight += self._items
        source = position.source
        if isinstance(source, Typename):
            return repr(position.parent_type)
        if isinstance(source, Called):
            return "None"
        if isinstance(source, Computed):
            value = f"{self._constant('f', source.function)}({name})"
        elif is_non_null_type(position.type):
            value = f"{name}[{source.name!r}]"
        else:
            value = f"{name}.get({source.name!r})"
        with self._at(_step(position)):
            return self._complete(position.type, value, position.selections)

    def _wait(self, position: Position) -> str:
        """Adds a call site for a position. Returns the suffix of the call site's two lists, such as "1".

        In the generated code, the list p1 collects the parents for which the call is made, and s1 collects
        the result objects (slots) for the call's values.
        """
        number = self._fresh("")
        self._below.append((number, self._site(position, self._route)))
        return number

    def _leaf(self, type_: GraphQLLeafType, value: str, *, required: bool) -> str:
        if isinstance(type_, GraphQLEnumType):
            names = _enum_names(type_) if required else {None: None, **_enum_names(type_)}
            return f"{self._constant('n', names)}[{value}]"
        x, first = (value, value) if value.isidentifier() else ("x", f"x := {value}")
        otherwise = f"{self._constant('c', _coercion(type_, required=required))}({x})"
        if type_.name not in _RIGHT:
            return otherwise.replace(f"({x})", f"({value})")
        right = _RIGHT[type_.name].format(first=first, x=x)
        return f"{x} if {right}{'' if required else f' or {x} is None'} else {otherwise}"

    def _all_right(self, type_: GraphQLLeafType, name: str) -> str:
        """Generates a condition that is true only if no value in a list needs to be converted.

        If the condition is true, the list is used without being copied.
        """
        if isinstance(type_, GraphQLEnumType):
            same = {value for value, name in _enum_names(type_).items() if value == name}
            return f"{self._constant('a', same)}.issuperset({name})"
        if type_.name in {"String", "ID"}:
            return f"{self._constant('a', {str})}.issuperset(map(type, {name}))"
        return "False"

    def _named(self, value: str) -> str:
        if value.isidentifier():
            return value
        name = self._fresh("v")
        self._write(f"{name} = {value}")
        return name

    def _constant(self, prefix: str, value: object) -> str:
        name = self._fresh(prefix)
        self._names[name] = value
        return name

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _write(self, line: str) -> None:
        self._lines.append("    " * self._depth + line)

    @contextmanager
    def _at(self, step: Step, times: int = 1) -> Iterator[None]:
        """Extends the route by a step while the `with` block generates the code for a field or list items.

        times: the assumed length of the list; 1 for a field.
        """
        route, list_items = self._route, self._items
        self._route, self._items = (*route, step), list_items * times
        yield
        self._route, self._items = route, list_items

    @contextmanager
    def _indented(self) -> Iterator[None]:
        self._depth += 1
        yield
        self._depth -= 1


def _step(position: Position) -> Step:
    return Step(position.key, not is_non_null_type(position.type))


def _enum_names(type_: GraphQLEnumType) -> dict[Value, str]:
    return {value.value: name for name, value in type_.values.items()}


class WrongTypeError(TypeError):
    """Raised when a value does not have the type that its field declares."""


def _coercion(type_: GraphQLScalarType, *, required: bool) -> Callable[[Value], Value]:
    """Returns a function that coerces a value to a scalar type. If `required`, it raises for null."""

    def coerce(value: Value) -> Value:
        if value is None and required:
            raise WrongTypeError
        return None if value is None else type_.coerce_output_value(value)

    return coerce


def _as_list(value: Value) -> list[Value]:
    if type(value) is not tuple:
        raise WrongTypeError
    return list(value)
