"""The trusted operations, as a gateway knows them: loaded at its start, and again after each change."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from bson import ObjectId

from app.observing import Client, Throttled, redacted
from loaders.mongo import COMMAND_ERRORS, Database, now, take_time
from loaders.persisted import Catalogue, StoredTool, VersionKey, current_revision, load, mark_used

REFRESH_EVERY = 5.0  # seconds between two looks for a change
_WRITE_EVERY = 60.0  # seconds between two writes of which versions were used
_LONGEST, _LONGEST_WRITE = 10.0, 2.0  # seconds for loading, and for a write
_MOST_NAMED = 10  # maximum number of unreadable documents that are named in the log

_log = structlog.get_logger("lectern")
_CANT_LOAD = Throttled("the trusted operations can't be loaded: the gateway goes on with those it has")
_CANT_MARK = Throttled("the last use of clients' versions can't be stored")


@dataclass(frozen=True, slots=True)
class TrustedOperation:
    """An operation that may always run. versions: the versions of clients that use it."""

    id: str
    text: str
    versions: Sequence[VersionKey]


class TrustedOperations:
    """The trusted operations, by id and by text.

    most, most_bytes: the maximum number of operations, and of bytes in their texts. What exceeds them is not
    loaded. is_loaded: whether they have been loaded since the gateway started. tools: the tools of each
    client's version that was pushed last; replaced as a whole when the operations are loaded again.
    """

    def __init__(self, database: Callable[[], Database], most: int, most_bytes: int) -> None:
        self._database, self._most, self._most_bytes = database, most, most_bytes
        self._by_id: dict[str, TrustedOperation] = {}
        self._by_text: dict[str, TrustedOperation] = {}
        self._revision: ObjectId | None = None
        self.tools: Sequence[StoredTool] = ()
        self._used: set[VersionKey] = set()
        self._flushing = asyncio.Lock()
        self.is_loaded = False

    def __len__(self) -> int:
        return len(self._by_id)

    def by_id(self, name: str) -> TrustedOperation | None:
        return self._by_id.get(name)

    def text_of(self, name: str) -> str | None:
        """Returns the text of the operation with an id."""
        found = self._by_id.get(name)
        return found.text if found is not None else None

    def by_text(self, text: str) -> TrustedOperation | None:
        return self._by_text.get(text)

    def use(self, operation: TrustedOperation, client: Client) -> None:
        """Notes that a version of a client is in use.

        If the client doesn't name one that has this operation, it could be any version that has it.
        """
        key = VersionKey(client.name, client.version)
        self._used.update([key] if key in operation.versions else operation.versions)

    async def refresh(self) -> None:
        """Loads the operations if they have changed. If MongoDB is away, keeps those it has."""
        take_time(_LONGEST)
        try:
            revision = await current_revision(self._database())
            if revision != self._revision:
                await self._load()
            self.is_loaded = True
        except Exception as error:  # whatever it is, those that were loaded go on being served
            _CANT_LOAD.warning(reason=redacted(error))

    async def follow(self) -> None:
        """Looks for changes regularly. Runs until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_EVERY)
            await asyncio.create_task(self.refresh())

    async def write(self) -> None:
        """Stores regularly which versions were used. Runs until cancelled."""
        while True:
            await asyncio.sleep(_WRITE_EVERY)
            await asyncio.shield(asyncio.create_task(self.flush()))  # the next `flush` waits for it

    async def flush(self) -> None:
        """Stores which versions were used since the last time. Sends one command, or none."""
        async with self._flushing:
            if not self._used:
                return
            take_time(_LONGEST_WRITE)
            used, self._used = self._used, set()
            try:
                await mark_used(self._database(), used, now())
            except COMMAND_ERRORS as error:
                self._used |= used
                _CANT_MARK.warning(reason=redacted(error))

    async def _load(self) -> None:
        catalogue = await load(self._database(), self._most)
        if catalogue is None:
            self._by_id, self._by_text, self._revision, self.tools = {}, {}, None, ()
            return
        self._by_id = self._indexed(catalogue)
        self._by_text = {one.text: one for one in self._by_id.values()}
        self._revision = catalogue.revision
        latest = {one.key.client: one for one in catalogue.versions}  # in the order of their pushes
        self.tools = [tool for one in latest.values() for tool in one.tools if tool.operation in self._by_id]
        self._used &= {one.key for one in catalogue.versions}
        _log.info("trusted operations loaded", operations=len(self._by_id))
        if catalogue.unreadable:
            _log.error(
                "documents of trusted operations are skipped, because they can't be read: they were written "
                "by hand, or by a later version of Lectern",
                documents=catalogue.unreadable[:_MOST_NAMED],
                number=len(catalogue.unreadable),
            )
        if not catalogue.is_complete or len(self._by_id) < len(catalogue.operations):
            _log.error(
                "some trusted operations are not loaded, and can't be used: raise "
                "LECTERN_MAX_TRUSTED_OPERATIONS or LECTERN_MAX_TRUSTED_BYTES",
                loaded=len(self._by_id),
            )

    def _indexed(self, catalogue: Catalogue) -> dict[str, TrustedOperation]:
        users: dict[str, list[VersionKey]] = {}
        for version in catalogue.versions:
            for own in version.ids:
                users.setdefault(own, []).append(version.key)
        found: dict[str, TrustedOperation] = {}
        size = 0
        for one in catalogue.operations:
            size += len(one.text.encode())
            if size > self._most_bytes:
                break
            before = self._by_id.get(one.id)
            # The same string object, so that its hash need not be computed again.
            text = before.text if before is not None and before.text == one.text else one.text
            found[one.id] = TrustedOperation(one.id, text, tuple(users.get(one.id, ())))
        return found
