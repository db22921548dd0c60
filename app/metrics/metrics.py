"""The listener that counts requests, operations, commands and refusals."""

from collections.abc import Sequence

from app.metrics import families
from app.metrics.families import OTHER, Labels
from app.metrics.frequent_names import FrequentNames
from app.metrics.series import Counter, Histogram
from app.metrics.shared_memory import Slot
from app.observing import Listener, Record, Refused, outcome_of
from loaders.mongo import CommandSent

_METHODS = frozenset(("GET", "HEAD", "POST"))
_ROUTE = "/graphql"
_ANONYMOUS: tuple[Labels, ...] = (("", "query"), ("", "mutation"))


class Metrics(Listener):
    """Counts the events of one process in its slot. Must only be used on the event loop."""

    def __init__(self, slot: Slot) -> None:
        self._requests = Histogram(families.REQUEST_DURATION, slot)
        self._sizes = Histogram(families.RESPONSE_SIZE, slot)
        self._durations = Histogram(families.OPERATION_DURATION, slot)
        self._operations = Counter(families.OPERATIONS, slot)
        self._errors = Counter(families.ERRORS, slot)
        self._refusals = Counter(families.REFUSALS, slot)
        self._clients = Counter(families.CLIENT_REQUESTS, slot)
        self._cache = Counter(families.CACHE_REQUESTS, slot)
        self._ways = Counter(families.OPERATION_WAYS, slot)
        self._unknown = Counter(families.UNKNOWN_OPERATIONS, slot)
        self._waits = Histogram(families.ADMISSION_WAIT, slot)
        self._commands = Histogram(families.COMMAND_DURATION, slot)
        self._merged = Counter(families.MERGED, slot)
        self._transactions = Counter(families.TRANSACTIONS, slot)
        self._retries = Counter(families.RETRIES, slot)
        self._late = Counter(families.LATE_WRITES, slot)
        self._misfits = Counter(families.MISFITS, slot)
        self._operation_names = FrequentNames(self._durations, _other_operation, _ANONYMOUS)
        self._client_names = FrequentNames(self._clients, _other_client, [("", "")])
        self._show_zeros()

    def _show_zeros(self) -> None:
        """Begins the series whose labels are known, because a rate needs a first value."""
        self._operations.add(("compiled", ""), 0)
        self._retries.add(amount=0)
        self._merged.add(amount=0)
        for result in _HIT.values():
            self._cache.add(result, 0)
        for outcome in ("committed", "aborted", "unknown"):
            self._transactions.add((outcome,), 0)

    def age(self) -> None:
        """Call this once a minute, so that names that aren't frequent any more make room for others."""
        self._operation_names.age()
        self._client_names.age()

    def request_ended(self, record: Record) -> None:
        seconds, parent = record.ended - record.began, record.parent
        # An exemplar refers to a trace only if somebody stores it.
        trace_id = parent.trace_id if record.is_exported or parent.is_sampled else ""
        method = record.method if record.method in _METHODS else "_OTHER"
        self._requests.observe(seconds, (method, _ROUTE, str(record.status)), trace_id)
        self._sizes.observe(record.bytes, (_ROUTE,))
        self._clients.add(self._client_names.get(record.client))
        if record.code:
            self._errors.add((record.code,))
        if record.received:
            self._cache.add(_HIT[record.was_cached])
        if record.kind:
            name = self._operation_names.get((record.name, record.kind))
            self._durations.observe(seconds, name, trace_id)
        if record.way:
            self._ways.add((record.way,))
        if record.unknown:
            self._unknown.add(record.unknown)
        if record.admitted:
            self._waits.observe(record.admitted - record.prepared)
        if record.engine:
            self._operations.add((record.engine, record.reason))

    def command_sent(self, command: CommandSent) -> None:
        if command.merged:  # its carrier's command is counted
            self._merged.add()
            return
        self._commands.observe(command.ms / 1000, (command.kind, command.collection, command.error))

    def refused(self, refusal: Refused) -> None:
        self._refusals.add((refusal.code, refusal.limit))

    def transaction(self, event: str) -> None:
        if event == "retried":
            self._retries.add()
        else:
            self._transactions.add((event,))

    def late_write(self, kind: str, error: BaseException | None) -> None:
        if kind == "commit":
            self._late.add((kind, outcome_of(error)))
        else:
            self._late.add((kind, "failed" if error else "succeeded"))

    def misfit(self, collection: str, id: object, fields: Sequence[str]) -> None:
        self._misfits.add((collection,))


_HIT: dict[bool, Labels] = {True: ("hit",), False: ("miss",)}


def _other_operation(labels: Labels) -> Labels:
    return (OTHER, labels[1])


def _other_client(_: Labels) -> Labels:
    return (OTHER, OTHER)
