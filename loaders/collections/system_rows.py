"""The collections that the gateway and its commands need for themselves."""

from loaders.collections.stored_collection import NOBODY, Index, SeenBy, StoredCollection
from loaders.model import AuditDoc

SYSTEM = (
    StoredCollection(
        name="attempts",
        noun="attempt",
        seen_by=NOBODY,
        backed_up=False,  # they count for a day at most, and known sites are only a convenience
        own_indexes=[Index([("expiresAt", 1)], "deletes counts of past attempts", seconds=0)],
    ),
    StoredCollection(
        name="budgets",
        noun="budget",
        seen_by=NOBODY,
        backed_up=False,  # they restore within minutes
        own_indexes=[Index([("expiresAt", 1)], "deletes budgets that are full again", seconds=0)],
    ),
    StoredCollection(
        name="idempotencyKeys",
        noun="idempotency key",
        seen_by=NOBODY,
        own_indexes=[
            Index([("at", 1)], "deletes keys after 24 hours", seconds=24 * 60 * 60),
            *(
                Index([(field, 1)], "erasing a person", where={field: {"$exists": True}})
                for field in (
                    "answer.account._id", "answer.student._id", "answer.review.studentId", "studentId",
                )
            ),
        ],
    ),
    StoredCollection(
        name="auditLog",
        noun="audit entry",
        seen_by=SeenBy(nobody=True, rule="Query.auditLog"),
        document=AuditDoc,
        missing={"actor": {"subject": "", "roles": [], "studentId": None, "instructorId": None}},
        type_name="AuditEntry",
        id_code=b"aud",
        own_indexes=[
            Index([("at", -1), ("_id", 1)], "the audit log"),
            Index([("changes.documentId", 1), ("at", -1), ("_id", 1)], "a document's audit entries"),
            Index([("actor.subject", 1), ("at", -1), ("_id", 1)], "a person's audit entries"),
            Index([("actor.studentId", 1), ("at", -1), ("_id", 1)], "a student's audit entries"),
            *(
                Index(
                    [(f"changes.{field}", 1)],
                    "erasing a person",
                    where={f"changes.{field}": {"$exists": True}},
                )
                for field in ("after.mergedInto", "before.studentId")
            ),
        ],
        former_indexes=["changes.id_1_at_-1__id_1"],
        retained_from="at",
    ),
    StoredCollection(
        name="imports",
        noun="import",
        seen_by=NOBODY,
        own_indexes=[
            Index([("collection", 1), ("digest", 1), ("at", -1)], "earlier imports of a file"),
            Index([("collection", 1), ("source", 1), ("at", -1)], "the last import from a source"),
        ],
    ),
    StoredCollection(name="importedDocuments", noun="list of imported documents", seen_by=NOBODY),
    StoredCollection(name="sampleData", noun="load of sample data", seen_by=NOBODY),
    StoredCollection(name="migrations", noun="migration", seen_by=NOBODY),
    # Persisted and trusted operations (docs/operations.md)
    StoredCollection(
        name="persistedOperations",
        noun="persisted operation",
        seen_by=NOBODY,
        backed_up=False,  # clients send the texts again
        own_indexes=[Index([("expiresAt", 1)], "deletes expired texts", seconds=0)],
    ),
    StoredCollection(name="trustedOperations", noun="trusted operation", seen_by=NOBODY),
    StoredCollection(name="trustedVersions", noun="version of a client", seen_by=NOBODY),
    StoredCollection(
        name="trustedRevision", noun="revision of the trusted operations", seen_by=NOBODY
    ),
    StoredCollection(
        name="unknownOperations",
        noun="unknown operation",
        seen_by=NOBODY,
        backed_up=False,  # a list for the weeks of a rollout
        own_indexes=[
            Index([("lastSeen", 1)], "deletes operations not seen for 30 days", seconds=30 * 24 * 60 * 60)
        ],
    ),
    StoredCollection(name="restores", noun="restore", seen_by=NOBODY, backed_up=False),
    # Events and messages that are sent later (loaders/outbox)
    StoredCollection(
        name="outbox",
        noun="entry of the outbox",
        seen_by=NOBODY,
        backed_up=False,  # a restore must not send them again
        own_indexes=[
            Index([("destination", 1), ("dueAt", 1), ("_id", 1)], "deliveries", where={"state": "PENDING"}),
            Index(
                [("destination", 1), ("subject", 1), ("sequence", 1)],
                "the order of deliveries",
                unique=True,
                where={"state": {"$in": ["PENDING", "PARKED"]}},
            ),
            Index([("destination", 1), ("at", -1), ("_id", 1)], "the log of deliveries"),
            Index([("people", 1)], "erasing a person"),
            Index([("to", 1)], "erasing an address", where={"to": {"$type": "string"}}),
            Index([("deleteAt", 1)], "deletes delivered entries", seconds=0),
        ],
    ),
    StoredCollection(name="outboxSequences", noun="number of a subject's last events", seen_by=NOBODY),
    StoredCollection(
        name="devMail",
        noun="kept message",
        seen_by=NOBODY,
        backed_up=False,  # messages that would have been sent
    ),
)  # fmt: skip
