"""MongoDB access: commands and their queue, deadlines, the circuit breaker and transactions."""

from loaders.mongo.bson_types import (
    Document,
    DriverObject,
    Expression,
    Fields,
    Filter,
    Option,
    Stored,
    Value,
    all_of,
    now,
    utc,
)
from loaders.mongo.circuit import circuit_is_open, ping, suspect, watching_circuit
from loaders.mongo.command_errors import (
    INTERRUPTED,
    ClientGoneError,
    DatabaseAwayError,
    DeadlineError,
    OutcomeUnknownError,
)
from loaders.mongo.commands import (
    Pipeline,
    aggregate,
    count,
    estimated_count,
    find,
    find_one,
    id_bytes,
    send,
)
from loaders.mongo.database import Collection, Database
from loaders.mongo.detached import detached_work_done, outcome, report_late, start_detached
from loaders.mongo.driver_sessions import forget_sessions, keep_sessions
from loaders.mongo.queue import POOL
from loaders.mongo.scope import (
    CommandSent,
    OnCommand,
    OnLate,
    Reads,
    Scope,
    current_scope,
    note_read,
    take_time,
)
from loaders.mongo.stale_transactions import APP_NAME, StaleTransactions
from loaders.mongo.transactions import Change, Transaction, transaction

__all__ = [
    "APP_NAME",
    "INTERRUPTED",
    "POOL",
    "Change",
    "ClientGoneError",
    "Collection",
    "CommandSent",
    "Database",
    "DatabaseAwayError",
    "DeadlineError",
    "Document",
    "DriverObject",
    "Expression",
    "Fields",
    "Filter",
    "OnCommand",
    "OnLate",
    "Option",
    "OutcomeUnknownError",
    "Pipeline",
    "Reads",
    "Scope",
    "StaleTransactions",
    "Stored",
    "Transaction",
    "Value",
    "aggregate",
    "all_of",
    "circuit_is_open",
    "count",
    "current_scope",
    "detached_work_done",
    "estimated_count",
    "find",
    "find_one",
    "forget_sessions",
    "id_bytes",
    "keep_sessions",
    "note_read",
    "now",
    "outcome",
    "ping",
    "report_late",
    "send",
    "start_detached",
    "suspect",
    "take_time",
    "transaction",
    "utc",
    "watching_circuit",
]
