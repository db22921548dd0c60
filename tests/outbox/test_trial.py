"""Some hundred events, while gateways and the receiver are killed at random.

Each event comes at least once, and in order for its subject. None comes for a write that was rolled back.
"""

import asyncio
import random
from collections import defaultdict
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from bson import ObjectId

from app.settings import Settings
from loaders.mongo import Database, Transaction, transaction
from loaders.outbox import Event, note
from resolvers.relay import encode_id
from tests.outbox.processes import HastyGateway
from tests.outbox.receiver import Post, Receiver, Reply
from tests.outbox.support import entries, until

EVENTS, SUBJECTS, WRITERS, KILLS = 300, 30, 6, 5


class RolledBackError(Exception):
    """A write that fails after it has noted its event."""


async def write(database: Database, subject: ObjectId, *, fails: bool) -> None:
    async def work(tx: Transaction) -> None:
        state = "ROLLED_BACK" if fails else "COMMITTED"
        note(tx, Event("course_run.changed", "CourseRun", subject, {"runId": subject, "status": state}))
        await tx.insert("things", {"subject": subject})
        if fails:
            await tx.finish()
            raise RolledBackError

    with suppress(RolledBackError):
        await transaction(database, work)


async def test_each_event_comes_in_order_however_often_gateways_and_receiver_are_killed(
    settings: Settings, outgoing: Database, receiver: Receiver, tmp_path: Path
) -> None:
    draw = random.Random(15)
    subjects = [ObjectId() for _ in range(SUBJECTS)]
    receiver.reply = lambda _: Reply(draw.choice([200, 200, 200, 200, 503]))
    planned = [(draw.choice(subjects), draw.random() < 0.1) for _ in range(EVENTS)]
    remaining = iter(planned)

    async def keep_writing() -> None:
        for subject, fails in remaining:
            await write(outgoing, subject, fails=fails)
            await asyncio.sleep(draw.uniform(0, 0.2))

    async def all_sent() -> bool:
        waiting = {"destination": "crm", "state": {"$ne": "SENT"}}
        return not await outgoing["outbox"].count_documents(waiting)

    def has_come(number: int) -> bool:
        return len(receiver.posts) >= number

    def started(number: int) -> HastyGateway:
        gateway = HastyGateway(settings, receiver, tmp_path / f"{number}.log")
        stack.callback(gateway.kill)
        return gateway

    with ExitStack() as stack:
        gateways = [started(0), started(1)]
        writing = [asyncio.create_task(keep_writing()) for _ in range(WRITERS)]
        for number in range(KILLS):
            enough = len(receiver.posts) + draw.randrange(5, 40)
            await until(partial(has_come, enough), 120)
            gateways[number % 2].kill()
            receiver.go_away()
            await asyncio.sleep(draw.uniform(0, 0.3))
            receiver.come_back()
            gateways[number % 2] = started(number + 2)
        await asyncio.gather(*writing)
        await until(all_sent, 180)
    _check(receiver.posts, planned)
    assert await entries(outgoing, state="PARKED") == []


def _check(posts: list[Post], planned: list[tuple[ObjectId, bool]]) -> None:
    first: dict[str, Post] = {}
    arrived: defaultdict[str, list[int]] = defaultdict(list)
    for post in posts:
        event = post.event
        assert event["data"]["status"] == "COMMITTED"
        if (earlier := first.setdefault(post.id, post)) is post:
            arrived[event["subject"]].append(event["sequence"])
        assert earlier.body == post.body
    expected: defaultdict[str, int] = defaultdict(int)
    for subject, fails in planned:
        expected[encode_id("CourseRun", {"_id": subject})] += not fails
    assert arrived == {subject: [*range(1, n + 1)] for subject, n in expected.items() if n}
