"""A lane delivers what is due: in order, again after failures, and never past a parked entry."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from bson import ObjectId

from app.delivery import Failed, Outcome, Sent, Unneeded, lane
from app.delivery.lane import Lane
from app.observing import Throttled
from loaders import outbox
from loaders.mongo import Database, now
from loaders.outbox import EntryDoc
from tests.outbox.support import entries, noted, published, until

pytestmark = pytest.mark.usefixtures("quick")

A, B, C = (ObjectId() for _ in range(3))


class Recipient:
    """A sender that notes what it is given. reply: the outcome of each entry."""

    timeout = 10.0

    def __init__(self) -> None:
        self.given: list[EntryDoc] = []
        self.reply: Callable[[EntryDoc], Awaitable[Outcome]] = self._take

    async def send(self, entry: EntryDoc) -> Outcome:
        self.given.append(entry)
        return await self.reply(entry)

    async def close(self) -> None: ...

    async def _take(self, _: EntryDoc) -> Outcome:
        return Sent()

    @property
    def by_subject(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for entry in self.given:
            found[entry["subject"]].append(entry["sequence"])
        return found


@pytest.fixture
def recipient() -> Recipient:
    return Recipient()


@asynccontextmanager
async def delivering(database: Database, recipient: Recipient, tries: int = 3) -> AsyncIterator[Lane]:
    own = Lane("crm", recipient, tries=tries, days=7)
    task = asyncio.create_task(own.run(database))
    try:
        yield own
    finally:
        own.stop()
        await asyncio.wait_for(task, 30)


async def states(database: Database, course: ObjectId) -> list[str]:
    return [one["state"] for one in await entries(database, destination="crm", subject=f"Course:{course}")]


async def test_entries_are_delivered_in_order_and_marked(outgoing: Database, recipient: Recipient) -> None:
    for course in (A, B, A, C, A, B):
        await noted(outgoing, published(course))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["sent"] == 6)
    assert recipient.by_subject == {f"Course:{A}": [1, 2, 3], f"Course:{B}": [1, 2], f"Course:{C}": [1]}
    assert await states(outgoing, A) == ["SENT"] * 3
    assert (await entries(outgoing, destination="cdn"))[0]["state"] == "PENDING"


async def test_what_fails_is_tried_again_before_what_follows(
    outgoing: Database, recipient: Recipient
) -> None:
    async def fail_twice(entry: EntryDoc) -> Outcome:
        return Failed("HTTP 503") if entry["attempts"] < 2 else Sent()

    recipient.reply = fail_twice
    for course in (A, A, B):
        await noted(outgoing, published(course))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["sent"] == 3)
    assert recipient.by_subject == {f"Course:{A}": [1, 1, 1, 2, 2, 2], f"Course:{B}": [1, 1, 1]}
    assert own.outcomes == {"sent": 3, "failed": 6, "parked": 0, "dropped": 0}


@pytest.mark.parametrize(
    ("failed", "tries"), [(Failed("HTTP 500"), 3), (Failed("HTTP 410", is_final=True), 1)]
)
async def test_what_fails_too_often_is_parked_and_told_and_its_subject_waits(
    outgoing: Database,
    recipient: Recipient,
    failed: Failed,
    tries: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lane, "_PARKED", Throttled("a delivery is parked"))  # it has logged nothing yet

    async def fail(entry: EntryDoc) -> Outcome:
        return failed if entry["subject"] == f"Course:{A}" else Sent()

    recipient.reply = fail
    for course in (A, A, B):
        await noted(outgoing, published(course))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["parked"] == 1)
        await noted(outgoing, published(A))
        await noted(outgoing, published(C))
        await until(lambda: own.outcomes["sent"] == 2)
    assert recipient.by_subject[f"Course:{A}"] == [1] * tries
    assert await states(outgoing, A) == ["PARKED", "PENDING", "PENDING"]
    parked = (await entries(outgoing, state="PARKED"))[0]
    assert (parked["lastError"], parked["attempts"]) == (failed.error, tries)
    told = capsys.readouterr()
    line = next(line for line in (told.out + told.err).splitlines() if "a delivery is parked" in line)
    assert all(text in line for text in ("crm", str(parked["_id"]), failed.error))


async def test_a_sent_again_entry_and_what_waited_for_it_go_out(
    outgoing: Database, recipient: Recipient
) -> None:
    is_broken = True

    async def fail(_: EntryDoc) -> Outcome:
        return Failed("HTTP 500", is_final=True) if is_broken else Sent()

    recipient.reply = fail
    for _ in range(3):
        await noted(outgoing, published(A))
    async with delivering(outgoing, recipient) as own:

        async def is_parked() -> bool:
            return bool(await entries(outgoing, state="PARKED"))

        await until(is_parked)
        is_broken = False
        (parked,) = await entries(outgoing, state="PARKED")
        assert await outbox.resend(outgoing, [parked]) == 1
        await until(lambda: own.outcomes["sent"] == 3)
    assert recipient.by_subject == {f"Course:{A}": [1, 1, 2, 3]}


async def test_one_subject_is_delivered_while_another_is_slow(
    outgoing: Database, recipient: Recipient
) -> None:
    release = asyncio.Event()

    async def wait(entry: EntryDoc) -> Outcome:
        if entry["subject"] == f"Course:{A}":
            await release.wait()
        return Sent()

    recipient.reply = wait
    for course in (A, B, A, B):
        await noted(outgoing, published(course))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["sent"] == 2)
        assert recipient.by_subject == {f"Course:{A}": [1], f"Course:{B}": [1, 2]}
        release.set()
        await until(lambda: own.outcomes["sent"] == 4)


async def test_at_most_four_are_delivered_at_the_same_time(outgoing: Database, recipient: Recipient) -> None:
    release, running, most = asyncio.Event(), 0, 0

    async def wait(_: EntryDoc) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1
        return Sent()

    recipient.reply = wait
    await noted(outgoing, *(published(ObjectId()) for _ in range(12)))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: running == 4)
        release.set()
        await until(lambda: own.outcomes["sent"] == 12)
    assert most == 4


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of entries that each claim asks for."""
    found: list[int] = []
    claim = outbox.claimed

    async def counted(*arguments: object, most: int, lease: float) -> list[EntryDoc]:
        found.append(most)
        return await claim(*arguments, most=most, lease=lease)  # type: ignore[arg-type] # passed on as given

    monkeypatch.setattr(outbox, "claimed", counted)
    return found


async def test_a_failing_destination_is_probed_with_one_entry_at_a_time(
    outgoing: Database, recipient: Recipient, batches: list[int]
) -> None:
    is_broken = True

    async def fail(_: EntryDoc) -> Outcome:
        return Failed("ConnectError") if is_broken else Sent()

    recipient.reply = fail
    await noted(outgoing, *(published(ObjectId()) for _ in range(8)))
    async with delivering(outgoing, recipient, tries=1_000) as own:
        await until(lambda: 1 in batches)
        assert len(recipient.given) <= 8
        is_broken = False
        await until(lambda: own.outcomes["sent"] == 8)
    assert batches[-1] == 20


async def test_a_destination_that_refuses_entries_for_good_is_not_failing(
    outgoing: Database, recipient: Recipient, batches: list[int]
) -> None:
    async def refuse(_: EntryDoc) -> Outcome:
        return Failed("SMTP 550", is_final=True)

    recipient.reply = refuse
    await noted(outgoing, *(published(ObjectId()) for _ in range(8)))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["parked"] == 8)
        looks = len(batches)
        await until(lambda: len(batches) > looks)
    assert set(batches) == {20}


async def test_a_delivery_that_takes_too_long_has_failed(outgoing: Database, recipient: Recipient) -> None:
    async def hang(entry: EntryDoc) -> Outcome:
        if not entry["attempts"]:
            await asyncio.Event().wait()
        return Sent()

    recipient.reply, recipient.timeout = hang, 0.05
    await noted(outgoing, published(A))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["sent"] == 1)
    assert own.outcomes["failed"] == 1


async def test_a_fault_in_a_sender_is_logged_and_tried_again(
    outgoing: Database, recipient: Recipient, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(entry: EntryDoc) -> Outcome:
        if not entry["attempts"]:
            raise KeyError("a@b.example")
        return Sent()

    recipient.reply = fail
    await noted(outgoing, published(A))
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["sent"] == 1)
    assert own.outcomes["failed"] == 1
    told = capsys.readouterr()
    assert "a delivery failed unexpectedly" in told.out + told.err


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_there_is_no_reason_to_send_is_deleted(
    outgoing: Database, recipient: Recipient, is_late: bool
) -> None:
    async def unneeded(_: EntryDoc) -> Outcome:
        return Unneeded()

    recipient.reply = unneeded
    await noted(outgoing, published(A))
    if is_late:
        expired = {"$set": {"expiresOn": now() - timedelta(seconds=1)}}
        await outgoing["outbox"].update_many({}, expired)
    async with delivering(outgoing, recipient) as own:
        await until(lambda: own.outcomes["dropped"] == 1)
    assert await entries(outgoing, destination="crm") == []
    assert len(recipient.given) == (0 if is_late else 1)


async def test_a_lane_that_stops_gives_back_what_it_has_not_begun(
    outgoing: Database, recipient: Recipient
) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def wait(_: EntryDoc) -> Outcome:
        begun.set()
        await release.wait()
        return Sent()

    recipient.reply = wait
    for _ in range(5):
        await noted(outgoing, published(A))
    async with delivering(outgoing, recipient) as own:
        await begun.wait()
        own.stop()
        release.set()
        await own.stopped.wait()
    assert await states(outgoing, A) == ["SENT"] + ["PENDING"] * 4
    assert {one["claim"] for one in await entries(outgoing, destination="crm")} == {None}
    assert [one["sequence"] for one in await outbox.claimed(outgoing, "crm", most=9, lease=9)] == [2, 3, 4, 5]


async def test_nothing_is_begun_that_could_outlast_its_claim(
    outgoing: Database, recipient: Recipient, monkeypatch: pytest.MonkeyPatch, mongo_commands: list[str]
) -> None:
    """Here no time is left after a claim: what was claimed is given back, and claimed again."""
    monkeypatch.setattr(lane, "_LEASE", 2 * recipient.timeout)
    for _ in range(3):
        await noted(outgoing, published(A))
    mongo_commands.clear()
    async with delivering(outgoing, recipient) as own:
        await until(lambda: mongo_commands.count("find outbox") > 4)
        assert recipient.given == []
        monkeypatch.setattr(lane, "_LEASE", 90.0)
        await until(lambda: own.outcomes["sent"] == 3)
