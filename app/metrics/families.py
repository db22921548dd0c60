"""The table of all metrics. docs/metrics.md describes them, and a test checks that the two agree.

A metric has the name that OpenTelemetry's semantic conventions give it, if there is one. Prometheus' name
follows from it: dots become underscores, and the unit is appended.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Labels: TypeAlias = tuple[str, ...]

#: The value of a label for everything that has no series of its own.
OTHER = "other"

#: The maximum number of series for each family whose labels clients choose.
MOST_NAMES = 100

_SUFFIXES = {"s": "seconds", "By": "bytes"}

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BYTES = (100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A metric. Its series differ in the values of its labels.

    name, unit: as in OpenTelemetry. most: the maximum number of series per process; further ones are counted
    together as "other". buckets: the upper bounds of a histogram's buckets, without infinity. across: how the
    gauges of several processes are combined. prometheus: Prometheus' name, if it doesn't follow from `name`.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels = ()
    unit: str = ""
    most: int = 1
    buckets: tuple[float, ...] = ()
    has_exemplars: bool = False
    across: Literal["sum", "min", "max"] = "sum"
    prometheus: str = ""

    @property
    def rows(self) -> int:
        """The number of rows in a slot: one more than `most`, for everything else."""
        return self.most + 1 if self.labels else 1

    @property
    def prometheus_name(self) -> str:
        """The name in Prometheus, without the `_total` of counters."""
        if self.prometheus:
            return self.prometheus
        name, suffix = self.name.replace(".", "_"), _SUFFIXES.get(self.unit, "")
        return name if name.endswith(suffix) else f"{name}_{suffix}"

    @property
    def prometheus_labels(self) -> Labels:
        return tuple(label.replace(".", "_") for label in self.labels)


REQUEST_DURATION = Family(
    "http.server.request.duration",
    "histogram",
    "Time from the head of a GraphQL request to its response.",
    ("http.request.method", "http.route", "http.response.status_code"),
    "s",
    most=64,
    buckets=_SECONDS,
    has_exemplars=True,
)
RESPONSE_SIZE = Family(
    "http.server.response.body.size",
    "histogram",
    "Size of a GraphQL response before compression.",
    ("http.route",),
    "By",
    most=4,
    buckets=_BYTES,
)
ACTIVE_REQUESTS = Family("http.server.active_requests", "gauge", "Requests that are being answered.")
OPERATION_DURATION = Family(
    "lectern.operation.duration",
    "histogram",
    "Time of a request with a valid operation, by the operation's name.",
    ("graphql.operation.name", "graphql.operation.type"),
    "s",
    most=2 * MOST_NAMES + 8,
    buckets=_SECONDS,
    has_exemplars=True,
)
OPERATIONS = Family(
    "lectern.operations",
    "counter",
    "Operations run, by engine and by the reason why graphql-core ran them.",
    ("engine", "reason"),
    most=32,
)
ERRORS = Family(
    "lectern.errors", "counter", "Responses with errors, by the code of the first error.", ("code",), most=64
)
REFUSALS = Family(
    "lectern.refusals",
    "counter",
    "Requests and operations that were refused, by error code and by the setting with the limit.",
    ("code", "limit"),
    most=96,
)
CLIENT_REQUESTS = Family(
    "lectern.client.requests",
    "counter",
    "GraphQL requests, by the name and version that the client sent.",
    ("client.name", "client.version"),
    most=2 * MOST_NAMES + 8,
)
# Persisted operations
OPERATION_WAYS = Family(
    "lectern.operation.ways",
    "counter",
    "Operations by the way in which they came: `text`, `apq` (by the hash of a registered text), `trusted`.",
    ("way",),
    most=3,
)
UNKNOWN_OPERATIONS = Family(
    "lectern.unknown_operations",
    "counter",
    "Operations that may not run, by what was unknown, and whether they were refused or only reported.",
    ("reason", "outcome"),
    most=6,
)
PERSISTED_QUERIES = Family(
    "lectern.persisted_queries",
    "counter",
    "Texts registered by their hash and looked up in MongoDB, by what happened.",
    ("event",),
    most=8,
)
TRUSTED_OPERATIONS = Family(
    "lectern.trusted_operations", "gauge", "Trusted operations that are loaded.", across="min"
)

CACHE_REQUESTS = Family(
    "lectern.document_cache.requests",
    "counter",
    "Look-ups of operations in the cache of parsed documents.",
    ("result",),
    most=2,
)
CACHE_ENTRIES = Family("lectern.document_cache.entries", "gauge", "Cached documents.")
CACHE_BYTES = Family(
    "lectern.document_cache.bytes", "gauge", "Estimated memory of the cached documents.", unit="By"
)
LANE_WAITING = Family(
    "lectern.admission.waiting", "gauge", "Requests that wait to be admitted, by lane.", ("lane",), most=5
)
LANE_USED = Family(
    "lectern.admission.used", "gauge", "Total price of the admitted requests, by lane.", ("lane",), most=5
)
LANE_CAPACITY = Family(
    "lectern.admission.capacity",
    "gauge",
    "Maximum total price of the admitted requests, by lane.",
    ("lane",),
    most=5,
)
ADMISSION_WAIT = Family(
    "lectern.admission.wait",
    "histogram",
    "Time that an operation waited to be admitted.",
    (),
    "s",
    buckets=_SECONDS,
)
COMMAND_DURATION = Family(
    "db.client.operation.duration",
    "histogram",
    "Time in flight of a MongoDB command.",
    ("db.operation.name", "db.collection.name", "error.type"),
    "s",
    most=200,
    buckets=_SECONDS,
)
POOL_CONNECTIONS = Family(
    "db.client.connection.count", "gauge", "Connections to MongoDB, by state.", ("state",), most=2
)
COMMANDS = Family(
    "lectern.mongodb.commands", "gauge", "MongoDB commands in flight or queued.", ("state",), most=2
)
MERGED = Family("lectern.mongodb.merged", "counter", "Look-ups that another look-up's command answered.")
MONGODB_UP = Family("lectern.mongodb.up", "gauge", "Whether MongoDB answered the last ping.", across="min")
TRANSACTIONS = Family("lectern.transactions", "counter", "Transactions, by outcome.", ("outcome",), most=3)
RETRIES = Family("lectern.transaction.retries", "counter", "Transactions that were retried.")
LATE_WRITES = Family(
    "lectern.late_writes",
    "counter",
    "Commits and follow-up work of writes that outlived their request.",
    ("kind", "outcome"),
    most=8,
)
MISFITS = Family(
    "lectern.misfits",
    "counter",
    "Documents read that don't fit their declared shape.",
    ("collection",),
    most=64,
)
LOOP_LAG = Family(
    "lectern.event_loop.lag",
    "histogram",
    "Delay of a timer of the event loop, measured four times a second.",
    (),
    "s",
    buckets=_SECONDS,
)
CONNECTIONS = Family("lectern.connections", "gauge", "Client connections, by state.", ("state",), most=2)
REJECTIONS = Family(
    "lectern.rejections",
    "counter",
    "Requests that were refused before they reached the application.",
    ("http.response.status_code",),
    most=16,
)
# The budgets of clients
BUDGET_POINTS = Family(
    "lectern.budget.points", "counter", "Points that clients have spent, by class.", ("class",), most=32
)
BUDGET_UNCHECKED = Family(
    "lectern.budget.unchecked",
    "counter",
    "Requests checked only against a process's own budgets, because the shared ones failed, by class.",
    ("class",),
    most=32,
)
BUDGET_LEASES = Family(
    "lectern.budget.leases",
    "counter",
    "Times that the process asked for points of a shared budget, by outcome.",
    ("outcome",),
    most=3,
)
BUDGET_CLIENTS = Family("lectern.budget.clients", "gauge", "Clients whose budgets are in memory.")

# The outbox
OUTBOX_PENDING = Family(
    "lectern.outbox.pending",
    "gauge",
    "Entries of the outbox that wait to be delivered, by destination.",
    ("destination",),
    most=32,
    across="max",
)
OUTBOX_PARKED = Family(
    "lectern.outbox.parked",
    "gauge",
    "Entries of the outbox that failed too often, by destination.",
    ("destination",),
    most=32,
    across="max",
)
OUTBOX_OLDEST = Family(
    "lectern.outbox.oldest",
    "gauge",
    "Age of the oldest entry that waits to be delivered, by destination; 0 if none does.",
    ("destination",),
    "s",
    most=32,
    across="max",
)
DELIVERIES = Family(
    "lectern.deliveries",
    "counter",
    "Attempts to deliver an entry of the outbox, by destination and outcome.",
    ("destination", "outcome"),
    most=96,
)

BACKGROUND_FAILURES = Family(
    "lectern.background.failures",
    "counter",
    "Unexpected errors after which a background task was restarted.",
    ("task",),
    most=40,
)
LOG_LINES_DROPPED = Family(
    "lectern.log_lines.dropped", "counter", "Lines of the log that were dropped, because nobody read them."
)
SPANS_EXPORTED = Family("lectern.spans.exported", "counter", "Spans that the collector of traces has taken.")
SPANS_DROPPED = Family(
    "lectern.spans.dropped",
    "counter",
    "Spans that were not exported: too many at once, or the collector didn't take them.",
)
MISSING_INDEXES = Family(
    "lectern.missing_indexes", "gauge", "Indexes that were missing at the last check.", across="max"
)
WORKERS = Family("lectern.workers", "gauge", "Worker processes, by state.", ("state",))
WORKER_DEATHS = Family(
    "lectern.worker.deaths", "counter", "Workers that died and were replaced.", ("reason",), most=32
)
BUILD_INFO = Family(
    "lectern.build_info", "gauge", "The running version; always 1.", ("version", "python_version")
)
CPU_TIME = Family(
    "process.cpu.time",
    "counter",
    "CPU time of the workers.",
    (),
    "s",
    prometheus="process_cpu_seconds",
)
RESIDENT_MEMORY = Family(
    "process.memory.usage",
    "gauge",
    "Resident memory of the workers; shared memory is counted once per worker.",
    unit="By",
    prometheus="process_resident_memory_bytes",
)
OPEN_FILES = Family(
    "process.open_file_descriptor.count",
    "gauge",
    "Open files and sockets of the workers.",
    prometheus="process_open_fds",
)

#: Families whose values are known without any process that stores them.
DERIVED = (WORKERS, BUILD_INFO)

#: Families that processes store, in the order of their place in memory.
STORED = tuple(
    family for family in list(globals().values()) if isinstance(family, Family) and family not in DERIVED
)
