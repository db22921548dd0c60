"""The shape of stored values, derived from the TypedDicts in `documents`.

A shape converts a value to its declared type, if the value fits (`fitted`), and reports everything that is
wrong with the value (`problems`). As in JSON, 5.0 is accepted as an integer, and 5 as a float.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from bson import ObjectId

from loaders.model.constraints import Constraint, Exactly, Refers
from loaders.mongo import Document, Value

#: A type expression, such as `list[str] | None`. It is Any, because type expressions have no common type.
Annotation: TypeAlias = Any

#: Returned by `Shape.fitted` for a value of the wrong type.
UNFIT = object()
#: Used in place of a value if the document doesn't have the key.
MISSING = object()

_INT32 = 2**31
_NAMES: Mapping[type, str] = {
    str: "text", int: "a whole number", float: "a number", bool: "true or false", datetime: "a time",
    bytes: "binary data", ObjectId: "an ObjectId", list: "a list", dict: "an object",
}  # fmt: skip


#: What is wrong with a value: it is missing, it has the wrong type, or it doesn't satisfy a constraint.
ProblemKind = Literal["missing", "type", "constraint"]


class Problem(NamedTuple):
    """Something that is wrong with a stored value. path: the value's path, such as "price.currency"."""

    path: str
    reason: str
    kind: ProblemKind


@dataclass(frozen=True)
class Shape:
    """The declared type of a value.

    kind: the Python type. choices: the values of an enum. item: the shape of a list's values. members: the
    shapes of an object's values, by key; None if any keys are allowed.
    """

    kind: type
    nullable: bool = False
    optional: bool = False  # whether the key can be missing (NotRequired)
    choices: frozenset[str] = frozenset()
    item: "Shape | None" = None
    members: "Mapping[str, Shape] | None" = None
    length: int | None = None
    constraints: tuple[Constraint, ...] = ()
    refers: Refers | None = None

    @property
    def default(self) -> Value:
        """The default for a missing or unfit value; UNFIT if this shape has no default."""
        if self.nullable:
            return None
        if self.choices or self.length:
            return UNFIT
        return self.kind() if self.kind in (str, int, float, bool, list) else UNFIT

    def fitted(self, value: Value) -> Value:
        """Converts a value to its declared type, or returns UNFIT. Leaves out list items that don't fit."""
        if value is None:
            return None if self.nullable else UNFIT
        if value is MISSING:
            return UNFIT
        if self.item is not None:
            return self._fitted_list(self.item, value)
        if self.members is not None:
            return self._fitted_object(self.members, value)
        return _FITTED.get(self.kind, _of_kind)(self, value)

    def _fitted_list(self, item: "Shape", value: Value) -> Value:
        if not isinstance(value, list):
            return UNFIT
        kept = [fitted for one in value if (fitted := item.fitted(one)) is not UNFIT]
        return UNFIT if self.length not in (None, len(kept)) else kept

    def _fitted_object(self, members: "Mapping[str, Shape]", value: Value) -> Value:
        if not isinstance(value, Mapping):
            return UNFIT
        fitted: Document = dict(value)
        for name, shape in members.items():
            if shape.optional and name not in value:
                continue
            fitted[name] = shape.fitted(value.get(name, MISSING))
            if fitted[name] is UNFIT:
                if not shape.nullable:
                    return UNFIT
                fitted[name] = None
        return fitted

    def problems(self, value: Value, path: str) -> Iterator[Problem]:
        """Yields everything that is wrong with a value and the values inside it."""
        if value is MISSING:
            if not self.optional:
                yield Problem(path, "is missing", "missing")
        elif value is None:
            if not self.nullable:
                yield Problem(path, "is null", "type")
        elif self.item is not None and isinstance(value, list):
            yield from self._problems_of_list(self.item, value, path)
        elif self.members is not None and isinstance(value, Mapping):
            for name, shape in self.members.items():
                yield from shape.problems(value.get(name, MISSING), f"{path}.{name}" if path else name)
        elif (fitted := self.fitted(value)) is UNFIT:
            yield Problem(path, self._mismatch(value), "type")
        else:
            yield from self._broken(fitted, path)

    def _problems_of_list(self, item: "Shape", value: list[Value], path: str) -> Iterator[Problem]:
        for one in value:
            yield from item.problems(one, f"{path}[]")
        if self.length not in (None, len(value)):
            yield Problem(path, f"does not have {self.length} values", "type")
        yield from self._broken(value, path)

    def _broken(self, value: Value, path: str) -> Iterator[Problem]:
        for constraint in self.constraints:
            if reason := constraint.reason(value):
                yield Problem(path, reason, "constraint")

    def _mismatch(self, value: Value) -> str:
        if self.choices and isinstance(value, str):
            return f"is not one of {', '.join(sorted(self.choices))}"
        if self.kind is int and isinstance(value, int | float) and not isinstance(value, bool):
            return "is not a 32-bit whole number"
        return f"is not {_NAMES.get(self.kind, self.kind.__name__)}"


def _of_kind(shape: Shape, value: Value) -> Value:
    return value if isinstance(value, shape.kind) else UNFIT


def _text(shape: Shape, value: Value) -> Value:
    fits = isinstance(value, str) and (not shape.choices or value in shape.choices)
    return value if fits else UNFIT


def _whole(_: Shape, value: Value) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNFIT
    return int(value) if isfinite(value) and value == int(value) and -_INT32 <= value < _INT32 else UNFIT


def _number(_: Shape, value: Value) -> Value:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNFIT
    return float(value) if isfinite(value) else UNFIT


_FITTED: Mapping[type, Callable[[Shape, Value], Value]] = {str: _text, int: _whole, float: _number}


@cache
def shape_of(document: type) -> Shape:
    """Returns the shape of the documents that a TypedDict declares."""
    return _shape(document)


def _shape(annotation: Annotation) -> Shape:
    kind, marks = _unwrapped(annotation)
    shape = _plain_shape(kind)
    return replace(
        shape,
        nullable=NoneType in marks,
        optional=NotRequired in marks,
        length=next((mark.length for mark in marks if isinstance(mark, Exactly)), None),
        constraints=tuple(mark for mark in marks if isinstance(mark, Constraint)),
        refers=next((mark for mark in marks if isinstance(mark, Refers)), None),
    )


def _plain_shape(kind: Annotation) -> Shape:
    origin: Annotation = get_origin(kind)
    arguments = get_args(kind)
    if origin is list:
        return Shape(list, item=_shape(arguments[0]))
    if origin is Literal:
        return Shape(str, choices=frozenset(arguments))
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return Shape(dict, members={name: _shape(hint) for name, hint in hints.items()})
    return Shape(origin or kind)


def _unwrapped(annotation: Annotation) -> tuple[Annotation, list[object]]:
    """Returns an annotation's plain type, and what is added to it: constraints, NotRequired or NoneType."""
    origin: Annotation = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is NotRequired:
        own: list[object] = [NotRequired]
    elif origin is Annotated:
        own = list(arguments[1:])
    elif origin in (Union, UnionType):
        own = [NoneType]
    else:
        return annotation, []
    inner = next(argument for argument in arguments if argument is not NoneType)
    kind, marks = _unwrapped(inner)
    return kind, own + marks
