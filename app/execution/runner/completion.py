"""Completes values for which the generated build function raises.

Errors, their messages and paths, and null propagation are the same as in graphql-core's `complete_value`.

A batch that fails is halved until the values with an error are found. Only these are completed field by
field. The items of a list of objects are completed in the same way, with a build function for items.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLOutputType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.pyutils import inspect, is_iterable

from app.execution.compiler import (
    Built,
    Called,
    CallSite,
    Position,
    ResultObject,
    Selection,
    Typename,
    Value,
    Waiting,
    list_items,
)
from app.execution.runner.failures import Failures, FieldError, Path

_Type: TypeAlias = Any  # an output type; callers check which kind it is, but mypy can't infer that
_Slot: TypeAlias = Any  # the object or list that a result is put into


class Completion:
    """Completes the values of one call site, in one run of the plan."""

    def __init__(self, site: CallSite, failures: Failures) -> None:
        self._site, self._failures = site, failures
        self._paths = failures.paths(site.route)
        self._index = {id(below.position): index for index, below in enumerate(site.built.below)}
        self._waiting: Waiting = []

    def of(self, values: Sequence[Value], slots: Sequence[ResultObject]) -> Waiting:
        """Completes values for which the build function failed. Returns the inputs of the nested calls.

        slots: for each value, the result object that the completed value is put into.
        """
        self._waiting = [([], []) for _ in self._index]
        batch = partial(self._build, self._site.built)
        _bisect(values, slots, batch, lambda index: self._put(values[index], slots[index]), tried=True)
        return self._waiting

    def _put(self, value: Value, slot: ResultObject) -> None:
        if (outer := self._paths.get(id(slot))) is None or not self._failures.is_alive(outer):
            return  # null has replaced the result object, or an object or list that contained it
        position, counts = self._site.position, self._waiting_counts()
        path = (*outer, position.key)
        if isinstance(value, Exception):
            # The exception isn't raised, because each raise would add a frame to its traceback, and a whole
            # batch of values can share one exception.
            self._failures.put(_field_error(value, position, path), path, self._site.route)
            return
        try:
            slot[position.key] = self._completed(position.type, value, position, path)
        except Exception as error:
            self._drop_waiting(counts)
            self._failures.put(_field_error(error, position, path), path, self._site.route)

    def _build(self, built: Built, values: Sequence[Value], slots: Sequence[_Slot]) -> bool:
        """Calls a build function and collects the inputs of nested calls. Returns whether it succeeded."""
        try:
            waiting = built.build(values, slots)
        except Exception:
            return False
        for site, (parents, places) in zip(built.below, waiting, strict=True):
            waiting_parents, waiting_slots = self._waiting[self._index[id(site.position)]]
            waiting_parents.extend(parents)
            waiting_slots.extend(places)
        return True

    def _append(self, built: Built, values: Sequence[Value], slots: Sequence[list[Value]]) -> bool:
        """Calls a build function that appends the results of list items. Returns whether it succeeded.

        slots: one entry for each item. All entries are the same list, to which the results are appended.
        """
        before = len(slots[0])
        done = self._build(built, values, slots)
        if not done:
            del slots[0][before:]
        return done

    def _completed(self, type_: _Type, value: Value, position: Position, path: Path) -> Value:
        """Completes a value, and returns the result. If the value is an exception, raises it."""
        if isinstance(value, Exception):
            raise value
        if is_non_null_type(type_):
            completed = self._completed(type_.of_type, value, position, path)
            if completed is None:
                raise TypeError(f"Cannot return null for non-nullable field {position.coordinate}.")
            return completed
        if value is None or value is Undefined:
            return None
        if is_list_type(type_):
            return self._list(type_.of_type, value, position, path)
        if is_leaf_type(type_):
            return _leaf(type_, value)
        if is_abstract_type(type_):
            return self._object(_concrete(type_, value, position), value, path)
        return self._object(position.selections[type_.name], value, path)

    def _list(self, type_: GraphQLOutputType, values: Value, position: Position, path: Path) -> list[Value]:
        if not is_iterable(values):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{position.coordinate}'.")
        items = list(values)
        completed: list[Value] = []

        def one(index: int) -> None:
            completed.append(self._guarded(type_, lambda: items[index], position, (*path, index)))

        if position.selections:
            slots = [completed] * len(items)
            _bisect(items, slots, partial(self._append, self._items(type_, position)), one)
        else:
            for index in range(len(items)):
                one(index)
        return completed

    def _items(self, type_: GraphQLOutputType, position: Position) -> Built:
        cache, key = self._site.items, (id(position), id(type_))
        if key not in cache:
            cache[key] = list_items(self._site, position, type_)
        return cache[key]

    def _object(self, selection: Selection, document: Value, path: Path) -> ResultObject:
        kind: _Type = selection.type
        if kind.is_type_of and not kind.is_type_of(document, None):
            raise GraphQLError(f"Expected value of type '{kind}' but got: {inspect(document)}.")
        completed: ResultObject = {}
        for inner in selection.positions:
            completed[inner.key] = self._field(inner, document, completed, (*path, inner.key))
        return completed

    def _field(self, position: Position, document: Value, slot: ResultObject, path: Path) -> Value:
        source = position.source
        if isinstance(source, Typename):
            return position.parent_type
        if isinstance(source, Called):
            parents, slots = self._waiting[self._index[id(position)]]
            parents.append(document)
            slots.append(slot)
            return None
        return self._guarded(position.type, lambda: source.value(document), position, path)

    def _guarded(
        self, type_: GraphQLOutputType, value: Callable[[], Value], position: Position, path: Path
    ) -> Value:
        """Returns the result of a field or list item; null if it fails and is nullable."""
        counts = self._waiting_counts() if position.selections else ()
        try:
            return self._completed(type_, value(), position, path)
        except Exception as error:
            if not is_non_null_type(type_):
                self._drop_waiting(counts)
                self._failures.add(_field_error(error, position, path))
                return None
            if isinstance(error, FieldError):
                raise
            raise FieldError(error, position.nodes, path) from error

    def _waiting_counts(self) -> Sequence[int]:
        """Returns the number of parents collected so far for each nested call site, in order."""
        return [len(parents) for parents, _ in self._waiting]

    def _drop_waiting(self, counts: Iterable[int]) -> None:
        """Drops the parents added since `counts` was taken. The value that contains them has become null."""
        for (parents, slots), count in zip(self._waiting, counts, strict=False):
            del parents[count:], slots[count:]


def _bisect(
    values: Sequence[Value],
    slots: Sequence[_Slot],
    batch: Callable[[Sequence[Value], Sequence[_Slot]], bool],
    one: Callable[[int], None],
    *,
    tried: bool = False,
) -> None:
    """Processes all values in order, in batches, halving each batch that fails.

    slots: the object or list that receives each value's result.
    batch: processes several values; returns whether it succeeded.
    one: processes the value at an index, if `batch` fails for that value alone.
    tried: whether `batch` has already failed for all values together.
    """
    ranges = [(0, len(values), tried)] if values else []
    while ranges:
        start, end, failed = ranges.pop()
        untried = not failed and not isinstance(values[start], Exception)
        if untried and batch(values[start:end], slots[start:end]):
            continue
        if end - start == 1:
            one(start)
        else:
            middle = (start + end) // 2
            ranges += [(middle, end, False), (start, middle, False)]


def _field_error(error: Exception, position: Position, path: Path) -> FieldError:
    return error if isinstance(error, FieldError) else FieldError(error, position.nodes, path)


def _leaf(type_: _Type, value: Value) -> Value:
    coerced = type_.coerce_output_value(value)
    if coerced is None or coerced is Undefined:
        raise TypeError(
            f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})` "
            f"to return non-nullable value, returned: {inspect(coerced)}"
        )
    return coerced


def _concrete(type_: _Type, value: Value, position: Position) -> Selection:
    """Determines the concrete type of an object of an abstract type. Returns the selection for this type."""
    name = type_.resolve_type(value, None, type_)
    if name not in position.selections:
        raise GraphQLError(
            f"Abstract type '{type_}' was resolved to '{name}', "
            f"which is not a possible type for field '{position.coordinate}'."
        )
    return position.selections[name]
