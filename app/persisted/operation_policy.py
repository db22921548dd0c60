"""Finds the operation that a request asks for, and decides whether it may run."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias

from starlette.exceptions import HTTPException

from app.execution import Operation
from app.observing import Record
from app.persisted import persisted_errors
from app.persisted.automatic_queries import AutomaticQueries, hash_of
from app.persisted.trusted_operations import TrustedOperation, TrustedOperations
from app.persisted.unknown_operations import UnknownOperations

#: Matches the ids that manifests have: hashes, numbers and names. Another one could be anything, such as an
#: e-mail address or a sentence, so only its hash is stored.
_ID = re.compile(r"[\w.:/+=-]{1,200}", re.ASCII)

#: Which operations may run: any, persisted ones (registered by clients, or trusted), or only trusted ones.
Mode: TypeAlias = Literal["any", "persisted", "trusted"]


class OperationPolicy:
    """Decides which operations run.

    mode: which ones may. reports: whether others run nevertheless, and are only counted and listed.
    automatic: the texts that clients register; None if they may not.
    """

    def __init__(
        self,
        mode: Mode,
        trusted: TrustedOperations,
        automatic: AutomaticQueries | None,
        unknown: UnknownOperations,
        *,
        reports: bool = False,
    ) -> None:
        self._mode, self._reports = mode, reports
        self.trusted, self.unknown = trusted, unknown
        # Registered texts have no place in the mode `trusted`, unless it only reports.
        self.automatic = automatic if mode != "trusted" or reports else None

    @property
    def counts(self) -> Mapping[str, int]:
        """What has happened to registered texts, by name (see AutomaticQueries)."""
        return self.automatic.counts if self.automatic is not None else {}

    @property
    def trusted_count(self) -> int:
        return len(self.trusted)

    async def found(self, operation: Operation, record: Record) -> Operation:
        """Returns the operation with its text, and with the way in which it came.

        Raises HTTPException if it isn't known or may not run.
        """
        known = self._trusted(operation)
        if known is None and operation.id:
            operation = await self._by_id(operation, record)
            # A hash that a client has registered can be that of a text which is trusted by another id.
            known = self.trusted.by_text(operation.query)
        elif known is None:
            self._check_text(operation, record)
        if known is None:
            record.way = operation.way
            return operation
        self.trusted.use(known, record.client)
        record.way = "trusted"
        return operation._replace(query=known.text, way="trusted")

    def register(self, operation: Operation, record: Record) -> None:
        """Keeps the text of an operation that came with its hash, and that was paid for and admitted.

        A trusted text is kept too, unless the hash is its id: otherwise, its hash alone would never be found.
        """
        if operation.way == "text" or self.trusted.by_id(operation.id) is not None:
            return
        if self.automatic is not None:
            self.automatic.register(operation.id, operation.query, record.address)

    async def start(self) -> None:
        """Loads the trusted operations, if MongoDB answers."""
        await asyncio.create_task(self.trusted.refresh())

    def background(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What has to run as long as the application does, by name."""
        tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "trusted operations": self.trusted.follow,
            "uses of versions": self.trusted.write,
            "unknown operations": self.unknown.write,
        }
        if self.automatic is not None:
            tasks["registered texts"] = self.automatic.write
        return tasks

    async def stop(self) -> None:
        """Stores what has been counted since the last time."""
        flushes = [self.trusted.flush(), self.unknown.flush()]
        if self.automatic is not None:
            flushes.append(self.automatic.flush())
        await asyncio.gather(*flushes)  # each in a task of its own, with its own deadline

    def _trusted(self, operation: Operation) -> TrustedOperation | None:
        """Returns the trusted operation with the id or, if the id isn't that of one, with the text."""
        text = operation.query
        known = self.trusted.by_id(operation.id) if operation.id else None
        if known is not None and text and text != known.text:
            raise persisted_errors.other_text(known.id)
        if known is None and text and (known := self.trusted.by_text(text)) is not None:
            _require_hash(operation)
        return known

    async def _by_id(self, operation: Operation, record: Record) -> Operation:
        if not operation.is_hash or self.automatic is None:
            return self._of_unknown_id(operation, record)
        if operation.query:
            _require_hash(operation)
        elif (text := await self.automatic.text_of(operation.id)) is None:
            raise persisted_errors.NotFoundError
        else:
            operation = operation._replace(query=text)
        if self._mode == "trusted":  # and reports
            self._unknown(operation, record, "hash", persisted_errors.NotTrustedError())
        return operation._replace(way="apq")

    def _of_unknown_id(self, operation: Operation, record: Record) -> Operation:
        """Returns the operation if it came with a text. Its id is not that of a trusted operation."""
        if operation.query:
            self._check_text(operation, record)
            return operation
        if self._mode == "any" and operation.is_hash:
            raise persisted_errors.NotSupportedError
        self._require_loaded()
        self._note(operation, record, "hash" if operation.is_hash else "id", "refused")
        if self._mode == "trusted" and not self._reports:
            raise persisted_errors.NotTrustedError
        raise persisted_errors.NotFoundError

    def _check_text(self, operation: Operation, record: Record) -> None:
        """Raises an error if a text that isn't trusted may not run."""
        if self._mode == "persisted":
            self._unknown(operation, record, "text", persisted_errors.NotPersistedError())
        elif self._mode == "trusted":
            self._unknown(operation, record, "text", persisted_errors.NotTrustedError())

    def _unknown(self, operation: Operation, record: Record, reason: str, error: HTTPException) -> None:
        """Raises an error, or only counts the operation in report mode."""
        if not self._reports:
            self._require_loaded()
        self._note(operation, record, reason, "reported" if self._reports else "refused")
        if not self._reports:
            raise error

    def _note(self, operation: Operation, record: Record, reason: str, outcome: str) -> None:
        record.unknown = (reason, outcome)
        self.unknown.add(_listed_name(operation), record.client, reason, operation.query)

    def _require_loaded(self) -> None:
        if not self.trusted.is_loaded:
            raise persisted_errors.not_loaded()


def _listed_name(operation: Operation) -> str:
    """Returns the name of an unknown operation in the list: the hash of its text, or its id."""
    if not operation.query and _ID.fullmatch(operation.id):
        return operation.id
    return hash_of(operation.query or operation.id)


def _require_hash(operation: Operation) -> None:
    if operation.is_hash and hash_of(operation.query) != operation.id:
        raise persisted_errors.wrong_hash()
