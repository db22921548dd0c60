"""The import loop. It reads and normalises one batch of rows while the previous batch is being stored."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from app.importing.files import Blank, Cells, Row, Source, SourceError, Unreadable
from app.importing.linking import Linked, Record, Unlinked
from app.importing.mapping import NullCounts, Recorder, RowError
from loaders.transfer import Importer, Incoming, Kind, Outcome, Prerequisites

_BATCH = 2_000  # rows per batch


class Linker(Protocol):
    """Turns records into documents. Implemented in `linking`, `catalogue_linking` and `restoring`."""

    notes: Counter[str]
    examples: dict[str, str]  # for some of the notes

    async def link(self, records: Sequence[Record]) -> list[Linked]: ...

    async def after(self, records: Sequence[Record]) -> None: ...


@dataclass(slots=True)
class Reject:
    """A row that can't be imported.

    data: the values of the row, or the text of an unreadable line.
    """

    number: int
    line: int | None
    reason: str
    data: Cells | str


@dataclass
class Tally:
    """Counts of the rows that an import has processed so far, by outcome."""

    read: int = 0
    blank: int = 0  # rows of empty cells, which are not counted in `read`
    kinds: Counter[Kind] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: Mapping[str, str] = field(default_factory=dict)  # examples for some of the notes, keyed by note
    null_counts: NullCounts = field(default_factory=lambda: NullCounts(Counter(), Counter()))
    #: Number of rows that the mapping leaves out, by reason.
    left_out: Counter[str] = field(default_factory=Counter)
    aggregates: int | None = None  # number of values that the final recount corrected; None in a dry run
    broken: str | None = None  # why the rest of the file can't be read; None if the whole file was read
    position: int | None = None  # how many bytes of the file on disk have been read so far

    def counts(self) -> dict[str, int]:
        """Returns how many rows were read, and how many rows had each outcome."""
        return {"read": self.read, **{kind: number for kind, number in self.kinds.items() if number}}


@dataclass
class _Batch:
    rows: list[Row] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    count: int = 0
    position: int | None = None


class Import:
    """Imports one file into one collection.

    `rejected` is called with each row that can't be imported, and `progress` with the tally after each batch.
    The caller must recount the aggregates afterwards.
    """

    def __init__(
        self,
        source: Source,
        linker: Linker,
        importer: Importer,
        recorder: Recorder | None,
        prerequisites: Prerequisites,
        *,
        rejected: Callable[[Reject], None],
        progress: Callable[[Tally], None],
    ) -> None:
        self.tally = Tally()
        self._source, self._linker, self._importer, self._recorder = source, linker, importer, recorder
        self._prerequisites = prerequisites
        self._rejected, self._progress = rejected, progress
        self._rows = source.rows()

    async def run(self) -> Tally:
        """Imports the file to the end, or up to the point where it can't be read (see `Tally.broken`)."""
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        writing: asyncio.Task[None] | None = None
        try:
            while batch := await reading:
                reading = asyncio.create_task(asyncio.to_thread(self._read))
                linked = await self._linker.link(batch.records)
                plan = await self._importer.plan([d for d in linked if not isinstance(d, Unlinked)])
                if writing:
                    await writing
                writing = asyncio.create_task(self._finish(batch, linked, self._importer.write(plan)))
        finally:
            if writing:
                await writing
        await self._link_prerequisites()
        if self._recorder:
            self.tally.null_counts = self._recorder.null_counts
        return self.tally

    async def _link_prerequisites(self) -> None:
        linked = await self._prerequisites.link()
        self.tally.kinds["unchanged"] -= linked.changed
        self.tally.kinds["updated"] += linked.changed
        self.tally.notes = self._linker.notes + linked.notes
        self.tally.examples = {**self._linker.examples, **linked.examples}

    def _read(self) -> _Batch | None:
        """Reads and normalises the next batch of rows. Returns None at the end of the file."""
        batch, any_row = _Batch(), False
        try:
            for row in islice(self._rows, _BATCH):
                self._add(row, batch)
                any_row = True
        except SourceError as error:
            self.tally.broken = str(error)
        batch.position = self._source.position()
        return batch if any_row else None

    def _add(self, row: Row | Unreadable | Blank, batch: _Batch) -> None:
        if isinstance(row, Blank):
            self.tally.blank += 1
            return
        batch.count += 1
        if isinstance(row, Unreadable):
            batch.rejects.append(Reject(row.number, row.line, row.reason, row.text))
            return
        if self._recorder and (condition := self._recorder.refusal(row.values)):
            self.tally.left_out[condition] += 1
            return
        try:
            fields = self._recorder.record(row.values) if self._recorder else row.values
        except RowError as error:
            batch.rejects.append(Reject(row.number, row.line, str(error), row.values))
            return
        batch.rows.append(row)
        batch.records.append(Record(row.number, fields))

    async def _finish(
        self, batch: _Batch, linked: Sequence[Linked], writing: asyncio.Task[list[Outcome]]
    ) -> None:
        outcomes = iter(await writing)
        for row, document in zip(batch.rows, linked, strict=True):
            outcome = (
                Outcome("rejected", document.reason) if isinstance(document, Unlinked) else next(outcomes)
            )
            if outcome.kind == "rejected":
                batch.rejects.append(Reject(row.number, row.line, outcome.reason, row.values))
            else:
                self.tally.kinds[outcome.kind] += 1
                if isinstance(document, Incoming):
                    self._prerequisites.add(document, outcome.kind)
        await self._linker.after(batch.records)
        self._count(batch)

    def _count(self, batch: _Batch) -> None:
        for reject in sorted(batch.rejects, key=lambda r: r.number):
            self._rejected(reject)
        self.tally.kinds["rejected"] += len(batch.rejects)
        self.tally.read += batch.count
        self.tally.position = batch.position
        self._progress(self.tally)
