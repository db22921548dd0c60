"""Fits documents to their declared shape as they are read.

Others may have written to the database. A value that is missing, or has another type than its TypedDict says,
becomes a default: null if it can be null, otherwise what the collection's row says (`missing`), the time in
the `_id`, or an empty value. So no other code has to expect such documents. A document whose `_id` is not an
ObjectId has no global ID, and is left out. `lectern check` lists all of them.

The check is generated code, because it runs for every document: it takes 15 to 30 ns for each key.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import CodeType, FunctionType
from typing import TypeAlias

from bson import ObjectId

from loaders.collections import COLLECTIONS, StoredCollection
from loaders.model import MISSING, UNFIT, Shape, shape_of
from loaders.mongo import Document, Option, Stored, Value, note_misfit
from loaders.reading.projections import Projection

#: Changes the documents that don't fit. Returns those that are left; the same list if all of them are.
Fitting: TypeAlias = Callable[[list[Stored]], list[Stored]]

#: The key under which a document keeps the values that were replaced. A cursor contains the stored value,
#: because MongoDB sorts by it.
AS_STORED = "as stored"

#: The values that GraphQL has, of all that the Python type has.
_RANGES: Mapping[type, str] = {
    int: "-2147483648 <= {x} <= 2147483647",
    float: "{x} * 0 == 0",  # neither infinity nor NaN
}


#: What a reference that is missing refers to: no document has this `_id`.
NOWHERE = ObjectId(bytes(12))


def fitting(collection: str, projection: Projection | None = None) -> Fitting:
    """Returns the function that fits a collection's documents, of which a projection was fetched."""
    return _fitting(collection, None if projection is None else tuple(projection))


def fit(collection: str, documents: Sequence[Stored], names: Sequence[str] | None = None) -> list[Stored]:
    """Fits whole documents, or only some of their fields. Returns those that are left."""
    return _fitting(collection, None if names is None else tuple(names))(list(documents))


def fit_read(collection: str, documents: list[Stored], projection: Option) -> list[Stored]:
    """Fits the documents that a transaction has read: see Transaction.fit.

    What the API doesn't show, such as a session, is left as it is stored.
    """
    is_partial = isinstance(projection, Mapping) and not all(projection.values())
    if COLLECTIONS[collection].type_name is None or is_partial:
        return documents
    found = fitting(collection, projection and dict.fromkeys(projection, 1))(documents)
    for document in found:
        document.pop(AS_STORED, None)  # it could be stored again
    return found


@lru_cache(maxsize=100)
def _kind(collection: str, path: str) -> type | None:
    row = COLLECTIONS.get(collection)
    shape = shape_of(row.document) if row and row.document else None
    for name in path.split("."):
        shape = shape.members.get(name) if shape and shape.members else None
    return shape.kind if shape else None


def is_of_kind(collection: str, path: str, value: Value) -> bool:
    """Whether a value has the declared type of a field; true for a field that isn't declared."""
    kind = _kind(collection, path)
    if kind in (int, float):
        return type(value) in (int, float)
    return kind is None or isinstance(value, kind)


def stand_ins(collection: str, documents: Sequence[Stored], ids: Sequence[ObjectId]) -> list[Stored]:
    """Returns documents, with a blank one in place of each that doesn't exist.

    ids: their `_id`s. A blank document has the default of every field. A reference can lead nowhere if others
    have deleted its target.
    """
    return [
        document if document is not None else fit(collection, [{"_id": key}])[0]
        for document, key in zip(documents, ids, strict=True)
    ]


def default_of(row: StoredCollection, name: str, shape: Shape, id: Value) -> Value:
    """Returns the value that a document with this `_id` gets instead of one that doesn't fit, or UNFIT."""
    if name in row.missing:
        default = row.missing[name]
        return list(default) if isinstance(default, list) else default
    if shape.refers and shape.kind is ObjectId and not shape.nullable:
        return NOWHERE
    if shape.kind is datetime and not shape.nullable and isinstance(id, ObjectId):
        return id.generation_time.astimezone(UTC).replace(tzinfo=None)
    return shape.default


def _unchanged(documents: list[Stored]) -> list[Stored]:
    return documents


@lru_cache(maxsize=1_000)
def _fitting(collection: str, names: tuple[str, ...] | None) -> Fitting:
    row = COLLECTIONS.get(collection)
    if row is None or row.document is None:
        return _unchanged
    members = shape_of(row.document).members or {}
    shapes = {name: shape for name, shape in members.items() if names is None or name in names}
    misfits = _generated(row.name, shapes, _Code())

    def fitted(documents: list[Stored]) -> list[Stored]:
        if not (found := misfits(documents)):
            return documents
        lost = {id(document) for document in found if not _repair(row, shapes, document)}
        return [document for document in documents if id(document) not in lost] if lost else documents

    return fitted


def _repair(row: StoredCollection, shapes: Mapping[str, Shape], document: Document) -> bool:
    """Gives every value that doesn't fit its default. Returns whether all of them have one."""
    wrong: Document = {}
    for name, shape in shapes.items():
        value = document.get(name, MISSING)
        if value is MISSING and shape.optional:
            continue
        if value is MISSING and shape.nullable:
            document[name] = None  # MongoDB makes no difference either
            continue
        fitted = shape.fitted(value)
        if fitted is UNFIT:
            wrong[name] = None if value is MISSING else value
            if shape.optional:
                del document[name]
                continue
            fitted = default_of(row, name, shape, document.get("_id"))
        if fitted is UNFIT:
            note_misfit(row.name, document.get("_id"), [*wrong])
            return False
        document[name] = fitted
    if wrong:
        note_misfit(row.name, document["_id"], [*wrong])
        document[AS_STORED] = wrong
    return True


def finding(collection: str) -> Callable[[list[Stored]], list[Stored]]:
    """Returns a function that finds the documents with any problem (`Shape.problems`)."""
    document = COLLECTIONS[collection].document
    return _generated(collection, shape_of(document).members or {} if document else {}, _Code(strict=True))


def _generated(
    collection: str, shapes: Mapping[str, Shape], code: "_Code"
) -> Callable[[list[Stored]], list[Stored]]:
    """Returns a function that finds the documents that don't fit."""
    conditions = [code.member("d", name, shape) for name, shape in shapes.items()]
    source = (
        "def misfits(documents):\n"
        "    found = []\n"
        "    for d in documents:\n"
        f"        if {' and '.join(conditions) or 'True'}: continue\n"
        "        found.append(d)\n"
        "    return found\n"
    )
    module = compile(source, f"<misfits of {collection}>", "exec")
    body = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return FunctionType(body, code.names)


class _Code:
    """Generates the conditions for values to fit, and collects the names that they use.

    strict: whether values must also satisfy their constraints, and even null must be stored.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self.names: Document = {"ObjectId": ObjectId, "datetime": datetime, "MISSING": MISSING}
        self._count = 0

    def member(self, document: str, name: str, shape: Shape) -> str:
        """Returns the condition for a key of a document."""
        x = f"x{self._count}"
        self._count += 1
        absent = ", MISSING" if shape.nullable or shape.optional else ""
        condition = " and ".join(self._fits(f"({x} := {document}.get({name!r}{absent}))", x, shape))
        if shape.nullable:
            condition += f" or {x} is None"
        if shape.optional:
            condition += f" or {x} is MISSING"
        return f"({condition})"

    def _fits(self, first: str, x: str, shape: Shape) -> Iterator[str]:
        """Yields conditions. first: the expression for the value in the first one, which assigns it to x."""
        yield f"type({first}) is {self._constant(shape.kind)}"
        if shape.item is not None:
            yield self._items(x, shape.item)
            if shape.length is not None:
                yield f"len({x}) == {shape.length}"
        for name, member in (shape.members or {}).items():
            yield self.member(x, name, member)
        if shape.choices:
            yield f"{x} in {self._constant(shape.choices)}"
        elif shape.kind in _RANGES:
            yield _RANGES[shape.kind].format(x=x)
        for constraint in shape.constraints if self._strict else ():
            yield f"not {self._constant(constraint.reason)}({x})"

    def _items(self, x: str, shape: Shape) -> str:
        if shape.choices:
            return f"all(map({self._constant(_among(shape.choices))}, {x}))"
        if shape.kind in (str, ObjectId):
            return f"{self._constant(frozenset((shape.kind,)))}.issuperset(map(type, {x}))"
        return f"all(map({self._constant(_fits(shape, strict=self._strict))}, {x}))"

    def _constant(self, value: object) -> str:
        name = f"c{self._count}"
        self._count += 1
        self.names[name] = value
        return name


def _among(choices: frozenset[str]) -> Callable[[Value], bool]:
    return lambda value: type(value) is str and value in choices


def _fits(shape: Shape, *, strict: bool) -> Callable[[Value], bool]:
    if strict:
        return lambda value: not any(shape.problems(value, ""))
    return lambda value: shape.fitted(value) is not UNFIT
