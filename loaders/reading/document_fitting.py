"""Fits documents to their declared shape as they are read.

Other programs may have written to the database. A value that is missing, or doesn't have the type that its
TypedDict declares, is replaced by a default, so that other code doesn't have to expect such values. A value
that is NotRequired gets no default. If it has the wrong type, it is removed.

Some defaults are declared in `StoredCollection.missing`. Otherwise, a value that can be null defaults to
null, a time to the time in the document's `_id`, and any other value usually to an empty one. A document
whose `_id` is not an ObjectId has no global ID, and is left out. `lectern check` lists all documents that
don't fit.

The code that checks documents is generated, because it runs for every document. The generated code takes 15
to 30 ns per key.
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

#: A function that repairs, in place, the documents that don't fit. It returns the same list, or a new list if
#: documents that can't be repaired have to be left out.
Fitting: TypeAlias = Callable[[list[Stored]], list[Stored]]

#: The key under which a repaired document keeps the stored values that were replaced. Cursors are made from
#: the stored values, because MongoDB sorts by them.
AS_STORED = "as stored"

#: Collections that the API doesn't show, but whose documents are fitted, because they decide who can sign in.
_OF_SIGNING_IN = frozenset(("sessions", "accountTokens"))

#: The condition for a float that GraphQL can represent: neither infinity nor NaN. An int needs no condition,
#: because only BSON's 32-bit integers are read as int, and its 64-bit integers as bson.Int64.
_FINITE = "{x} - {x} == 0.0"


#: The default for a missing reference. No document has this `_id`.
NOWHERE = ObjectId(bytes(12))


def fitting(collection: str, projection: Projection | None = None) -> Fitting:
    """Returns a function that fits a collection's documents to their declared shape.

    projection: the keys that were fetched; None if whole documents were fetched.
    """
    return _fitting(collection, None if projection is None else tuple(projection))


def fit(collection: str, documents: Sequence[Stored], names: Sequence[str] | None = None) -> list[Stored]:
    """Fits documents, or only their fields in `names`. Leaves out documents that can't be repaired."""
    return _fitting(collection, None if names is None else tuple(names))(list(documents))


def fit_read(collection: str, documents: list[Stored], projection: Option) -> list[Stored]:
    """Fits documents that a transaction has read (see Transaction.fit).

    Documents that the API doesn't show, such as votes, are returned as they are stored, except those of
    `_OF_SIGNING_IN`.
    """
    is_partial = isinstance(projection, Mapping) and not all(projection.values())
    is_unfitted = COLLECTIONS[collection].type_name is None and collection not in _OF_SIGNING_IN
    if is_unfitted or is_partial:
        return documents
    found = fitting(collection, projection and dict.fromkeys(projection, 1))(documents)
    for document in found:
        document.pop(AS_STORED, None)  # the transaction must not write this key to the database
    return found


@lru_cache(maxsize=100)
def _kind(collection: str, path: str) -> type | None:
    row = COLLECTIONS.get(collection)
    shape = shape_of(row.document) if row and row.document else None
    for name in path.split("."):
        shape = shape.members.get(name) if shape and shape.members else None
    return shape.kind if shape else None


def is_of_kind(collection: str, path: str, value: Value) -> bool:
    """Returns whether a value has the declared type of a field; True if the field isn't declared."""
    kind = _kind(collection, path)
    if kind in (int, float):
        return type(value) in (int, float)
    return kind is None or isinstance(value, kind)


def stand_ins(collection: str, documents: Sequence[Stored], ids: Sequence[ObjectId]) -> list[Stored]:
    """Returns documents, with a blank document in place of each None.

    A document is None if it was referred to, but another program has deleted it. A blank document has the
    default of every field. ids: the `_id`s of all of the documents.
    """
    return [
        document if document is not None else fit(collection, [{"_id": key}])[0]
        for document, key in zip(documents, ids, strict=True)
    ]


def default_of(row: StoredCollection, name: str, shape: Shape, id: Value) -> Value:
    """Returns the default for a value that doesn't fit; UNFIT if there is none. id: the document's `_id`."""
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
    """Sets each value that doesn't fit to its default, or removes it if it is NotRequired.

    Returns False if a required value doesn't fit and has no default.
    """
    wrong: Document = {}
    for name, shape in shapes.items():
        value = document.get(name, MISSING)
        if value is MISSING and shape.optional:
            continue
        if value is MISSING and shape.nullable:
            # not reported, because MongoDB's queries also treat a missing field as null
            document[name] = None
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
    """Returns a function that selects the documents that might have problems (see Shape.problems)."""
    document = COLLECTIONS[collection].document
    return _generated(collection, shape_of(document).members or {} if document else {}, _Code(strict=True))


def _generated(
    collection: str, shapes: Mapping[str, Shape], code: "_Code"
) -> Callable[[list[Stored]], list[Stored]]:
    """Returns a function that selects the documents in which a value might not fit its shape."""
    conditions = [code.member("d", name, shape) for name, shape in shapes.items()]
    source = (
        "def misfits(documents):\n"
        "    found = []\n"
        "    for d in documents:\n"
        "        try:\n"
        f"            if {' and '.join(conditions) or 'True'}: continue\n"
        "        except KeyError: pass\n"  # a value is missing
        "        found.append(d)\n"
        "    return found\n"
    )
    module = compile(source, f"<misfits of {collection}>", "exec")
    body = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return FunctionType(body, code.names)


class _Code:
    """Generates the conditions that values must satisfy, as Python code.

    names: the objects that the code refers to, by name. strict: whether values must also satisfy their
    constraints.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self.names: Document = {"ObjectId": ObjectId, "datetime": datetime, "MISSING": MISSING}
        self._count = 0

    def member(self, document: str, name: str, shape: Shape) -> str:
        """Returns the condition for the value of a key. document: the variable that holds the document."""
        x = f"x{self._count}"
        self._count += 1
        value = f"{document}.get({name!r}, MISSING)" if shape.optional else f"{document}[{name!r}]"
        condition = " and ".join(self._fits(f"({x} := {value})", x, shape))
        if shape.nullable:
            condition += f" or {x} is None"
        if shape.optional:
            condition += f" or {x} is MISSING"
        return f"({condition})"

    def _fits(self, first: str, x: str, shape: Shape) -> Iterator[str]:
        """Yields the conditions for a value.

        x: the variable that holds the value. first: an expression that sets this variable and returns the
        value.
        """
        yield f"type({first}) is {self._constant(shape.kind)}"
        if shape.item is not None:
            yield self._items(x, shape.item)
            if shape.length is not None:
                yield f"len({x}) == {shape.length}"
        for name, member in (shape.members or {}).items():
            yield self.member(x, name, member)
        if shape.choices:
            yield f"{x} in {self._constant(shape.choices)}"
        elif shape.kind is float:
            yield _FINITE.format(x=x)
        for constraint in shape.constraints if self._strict else ():
            yield f"not {self._constant(constraint.reason)}({x})"

    def _items(self, x: str, shape: Shape) -> str:
        if shape.kind in (str, ObjectId, int) and not (self._strict and shape.constraints):
            kinds = f"{self._constant(frozenset((shape.kind,)))}.issuperset(map(type, {x}))"
            return f"{kinds} and {self._constant(shape.choices)}.issuperset({x})" if shape.choices else kinds
        return f"all(map({self._constant(_fits(shape, strict=self._strict))}, {x}))"

    def _constant(self, value: object) -> str:
        name = f"c{self._count}"
        self._count += 1
        self.names[name] = value
        return name


def _fits(shape: Shape, *, strict: bool) -> Callable[[Value], bool]:
    if strict:
        return lambda value: not any(shape.problems(value, ""))
    return lambda value: shape.fitted(value) is not UNFIT
