"""The description of one collection: its GraphQL type, visibility, indexes and so on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from loaders.mongo import Document, Fields, Filter, Value


class SeenBy(NamedTuple):
    """Defines who may see a document. Everyone may, unless a condition hides it.

    published: the document is hidden unless its `status` is PUBLISHED. with_course: it is hidden unless its
    course (`courseId`) is visible. nobody: it is always hidden.
    rule: the name of a rule in resolvers/access/rules.py. The rule lets some viewers, such as the owner, see
    the document even when it is hidden.
    owner: the field that contains the owner's student id; None if the owner has to be looked up when the
    rule is applied.
    """

    published: bool = False
    with_course: bool = False
    nobody: bool = False
    rule: str | None = None
    owner: str | None = None


EVERYONE = SeenBy()
#: For collections whose documents the API never returns.
NOBODY = SeenBy(nobody=True)


#: The number of days after which MongoDB deletes documents, by collection; 0 means never. The operator sets
#: them, so only collections with `retained_from` can have an entry.
Retention: TypeAlias = Mapping[str, int]


class Index(NamedTuple):
    """An index of a collection.

    serves: what needs the index, as a phrase for operators. where: the partialFilterExpression of a partial
    index. seconds: the lifetime of documents in a TTL index; MongoDB deletes a document this long after the
    time in the indexed field.
    """

    keys: Sequence[tuple[str, int]]
    serves: str = ""
    unique: bool = False
    where: Filter | None = None
    seconds: int | None = None

    @property
    def options(self) -> Mapping[str, Value]:
        """The options by which this index differs from a plain one, under MongoDB's names."""
        options = {
            "unique": self.unique or None,
            "partialFilterExpression": self.where,
            "expireAfterSeconds": self.seconds,
        }
        return {name: value for name, value in options.items() if value is not None}

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)


#: Marks a field in `StoredCollection.not_null`. If an import supplies null for such a field, an existing
#: document keeps its value, and a new document gets the default.
KEEP = object()

_BY_EXTERNAL_ID = Index(
    [("externalId.source", 1), ("externalId.id", 1)],
    "imports, external sign-ins",
    unique=True,
    where={"externalId.source": {"$exists": True}},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCollection:
    """Describes one collection.

    noun: the word for one of its documents in messages.
    document: the TypedDict of its documents; None if only a single module reads them.
    missing: the values that readers get for fields that are missing or have the wrong type, by field. By
    default, they get null if the field can be null, otherwise usually an empty value
    (loaders/reading/document_fitting.py). A status must not be PUBLISHED by default.
    seen_by: who may see a document. There is no default, so that it can't be forgotten.
    type_name: the GraphQL type of its documents. id_code: the three bytes that identify this type in global
    IDs. Both are None if the documents have no global IDs.
    parts: other GraphQL types whose objects are built from its documents.
    key: a field by which its documents are loaded, in addition to `_id`. former_keys: a field with the former
    values of `key`, by which its documents are also loaded.
    reads: fields that are always fetched, in addition to those that `seen_by` needs.
    derived: fields that `derive` computes from the fields in `derived_from`.
    aggregates: fields that are computed from other documents (`lectern recount`).
    audited: derived fields and aggregates to include in the audit log; by default they are left out.
    unaudited: other fields to leave out of the audit log; by default they are included.
    secret: fields whose values the audit log hides.
    importable: whether `lectern import` and `lectern export` support the collection.
    backed_up: whether `lectern export --all` includes the collection.
    new: a function that adds defaults to the fields of a new document.
    not_null: the values that an import stores instead of null, by field.
    former_indexes: the names of indexes that earlier versions created and this version doesn't need.
    retained_from: a field with a time. The operator can set after how many days from this time on MongoDB
    deletes a document (see Retention).
    """

    name: str
    noun: str
    seen_by: SeenBy
    document: type | None = None
    missing: Fields = field(default_factory=dict)
    type_name: str | None = None
    id_code: bytes | None = None
    parts: Sequence[str] = ()
    key: str | None = None
    former_keys: str | None = None
    reads: frozenset[str] = frozenset()
    derived_from: frozenset[str] = frozenset()
    derive: Callable[[Fields], Fields] | None = None
    derived: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    audited: frozenset[str] = frozenset()
    unaudited: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    importable: bool = False
    backed_up: bool = True
    new: Callable[[Fields], Document] = dict
    not_null: Fields | None = None
    own_indexes: Sequence[Index] = ()
    former_indexes: Sequence[str] = ()
    retained_from: str | None = None

    def __post_init__(self) -> None:
        if (self.type_name is None) is not (self.id_code is None):
            raise ValueError(f"{self.name}: set both type_name and id_code, or neither")
        if self.id_code is not None and len(self.id_code) != 3:
            raise ValueError(f"{self.name}: an id_code must be three bytes long")
        if bool(self.derived) is not (self.derive is not None):
            raise ValueError(f"{self.name}: set both derived and derive, or neither")

    @property
    def indexes(self) -> Sequence[Index]:
        """All indexes except the one that deletes documents after the retention time."""
        return (_BY_EXTERNAL_ID, *self.own_indexes) if self.importable else self.own_indexes

    def retaining_index(self, days: int) -> Index | None:
        """Returns the TTL index for a retention time. Returns None if documents are kept forever (0 days)."""
        if self.retained_from is None or not days:
            return None
        return Index([(self.retained_from, 1)], f"deletes after {days} days", seconds=days * 24 * 60 * 60)

    @property
    def always_read(self) -> frozenset[str]:
        """The keys that are fetched with every document: `reads`, and those that `seen_by` needs."""
        needed = {
            *(["status"] if self.seen_by.published else ()),
            *(["courseId"] if self.seen_by.with_course else ()),
            *([self.seen_by.owner] if self.seen_by.owner else ()),
        }
        return self.reads | needed

    @property
    def left_out_of_audit(self) -> frozenset[str]:
        return ((self.derived | self.aggregates) - self.audited) | self.unaudited
