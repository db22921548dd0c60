"""A trial of the deliveries: real writes over HTTP, while everything that delivers and receives is killed.

The clients are those of the storm (tests/storm), which retry each write until it is acknowledged. Two
gateways, the receiver of webhooks and the mail server are processes that are killed with SIGKILL at random,
and restarted. At the end, the audit log says what must have been delivered.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo import Database
from tests.deliveries.expected import Expected, expected_deliveries
from tests.deliveries.outside import Outside, Receiver, outside
from tests.deliveries.verify import KINDS, event_complaints, mail_complaints, outbox_complaints
from tests.storm import crowd, world
from tests.storm.acknowledged import erased_marks, expected_state
from tests.storm.client import FaultError
from tests.storm.gateways import Gateway, serving
from tests.storm.log import Log
from tests.storm.marks import address
from tests.storm.people import Person
from tests.storm.world import World

#: `lectern` with claims that expire after 10 seconds, not 90, and retries after 0.2 seconds: otherwise, most
#: of the trial would be waiting.
_HASTY = (sys.executable, "-m", "tests.outbox.hasty_gateway")

_REFUSED = 0.05  # share of deliveries that a receiver refuses, and of those that it takes without an answer
_DELIVERED_IN = 300.0  # seconds after the last write in which everything must have been delivered
_MOST_TRIES = 3  # of a request for a reset: each counts against the address's limit, also if it fails


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a trial.

    deliveries: the number of events and messages. pause: about the seconds between two kills.
    """

    deliveries: int
    clients: int
    pause: float = 2.0
    seed: int = 0


@dataclass(slots=True)
class Outcome:
    """What a trial has found.

    subjects, longest: the number of subjects with several events, and the most events that one has. attempts:
    records of the receivers, with those of repeated deliveries.
    """

    plan: Plan
    log: Log = field(default_factory=Log)
    kills: Counter[str] = field(default_factory=Counter)
    events: int = 0
    messages: int = 0
    subjects: int = 0
    longest: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    writing: float = 0.0
    delivering: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{number} of {what}" for what, number in sorted(self.kills.items()))
        repeats = self.attempts.total() - self.events - self.messages
        lines = [
            f"{len(self.log.acks):,} writes acknowledged in {self.writing:.0f} s, {self.refused:,} of them "
            f"refused, after {sum(ack.tries - 1 for ack in self.log.acks):,} retries",
            f"  {self.events:,} events and {self.messages:,} messages committed; "
            f"{self.subjects} subjects have several events, and {self.longest} is the most",
            f"  kill -9: {kills}",
            f"  all delivered {self.delivering:.0f} s after the last write; {repeats:,} of them repeatedly",
            *(self.complaints[:50] or ["Nothing lost, nothing out of order, nothing that wasn't committed."]),
        ]
        return "\n".join(lines)


async def run(plan: Plan, settings: Settings, directory: Path) -> Outcome:
    """Runs a trial on an empty database. directory: for logs and records."""
    outcome, random = Outcome(plan), Random(plan.seed)
    async with connect(settings) as database:
        await indexes.ensure(database)
        population = await world.make(
            database, plan.clients, random, newcomers=3, timekeepers=plan.clients // 10
        )
        with ExitStack() as stack:
            receivers = stack.enter_context(outside(directory, _REFUSED))
            gateways = [
                stack.enter_context(
                    serving(settings, directory / f"gateway-{n}.log", receivers.variables, _HASTY)
                )
                for n in range(2)
            ]
            await asyncio.gather(*(gateway.ready() for gateway in gateways))
            await _rage(outcome, database, population, gateways, receivers)
            await _examine(outcome, database, receivers)
    return outcome


async def _rage(
    outcome: Outcome, database: Database, population: World, gateways: list[Gateway], receivers: Outside
) -> None:
    """Has everybody write and everything killed. Then waits until all is delivered."""
    plan, written, began = outcome.plan, asyncio.Event(), time.monotonic()
    ports = [gateway.port for gateway in gateways]
    killing = asyncio.create_task(_kill(outcome, gateways, receivers))
    async with crowd.gathered(population, outcome.log, ports, plan.seed, receivers) as people:
        writing = [asyncio.create_task(_live(person, outcome.log, written)) for person in people]
        while not outcome.log.faults and await _written(database) < plan.deliveries:  # noqa: ASYNC110
            await asyncio.sleep(0.5)  # the gateways, which write, are other processes
        written.set()
        await asyncio.gather(*writing)
    ended = time.monotonic()
    await asyncio.sleep(5 * plan.pause)  # what is left is delivered among kills too
    killing.cancel()
    await asyncio.wait([killing])
    outcome.complaints += await _delivered(database)
    outcome.writing, outcome.delivering = ended - began, time.monotonic() - ended


async def _written(database: Database) -> int:
    return await database["outbox"].count_documents({})


async def _live(person: Person, log: Log, written: asyncio.Event) -> None:
    try:
        while not written.is_set():
            await person.act()
    except FaultError as fault:
        log.faults.append(str(fault))


async def _kill(outcome: Outcome, gateways: list[Gateway], receivers: Outside) -> None:
    """Kills processes at random, and restarts each after a moment, until cancelled. At the end, all run.

    A gateway is killed only while the other one answers, since clients could do nothing without both.
    """
    random, pause = Random(f"{outcome.plan.seed} kills"), outcome.plan.pause
    victims: list[tuple[str, Gateway | Receiver]] = [
        *(("gateways", gateway) for gateway in gateways),
        ("the receiver", receivers.webhooks),
        ("the mail server", receivers.mail),
    ]
    while True:
        await asyncio.sleep(random.uniform(0.2, 2) * pause)
        name, victim = random.choice(victims)
        if isinstance(victim, Gateway) and not all([await gateway.answers() for gateway in gateways]):
            continue
        outcome.kills[name] += 1
        victim.kill()
        try:
            await asyncio.sleep(random.uniform(0, 0.5) * pause)
        finally:
            victim.restart()


async def _delivered(database: Database) -> list[str]:
    """Waits until nothing waits in the outbox any more. Returns a complaint about what does."""
    waiting = {"state": {"$ne": "SENT"}}
    until = time.monotonic() + _DELIVERED_IN
    while number := await database["outbox"].count_documents(waiting):
        if time.monotonic() > until:
            return [f"{number} entries are undelivered: {await database['outbox'].find_one(waiting)}"]
        await asyncio.sleep(0.2)
    return []


async def _examine(outcome: Outcome, database: Database, receivers: Outside) -> None:
    log, due = outcome.log, await expected_deliveries(database)
    required, maybe = await _mails(database, due, log)
    events, mails = receivers.webhooks.records, receivers.mail.records
    outcome.complaints += [
        *(f"A client: {fault}" for fault in log.faults),
        *await outbox_complaints(database, due),
        *event_complaints(events, due),
        *mail_complaints(mails, required, maybe),
    ]
    outcome.attempts.update(events=len(events), mails=len(mails))
    outcome.events = due.events.total()
    by_subject = Counter(subject for _, subject in due.events.elements())
    outcome.subjects = sum(number > 1 for number in by_subject.values())
    outcome.longest = max(by_subject.values(), default=0)
    outcome.messages = len({mail["id"] for mail in mails})
    outcome.refused = sum(ack.code is not None for ack in log.acks)


async def _mails(
    database: Database, due: Expected, log: Log
) -> tuple[Mapping[tuple[str, str], int], list[tuple[str, str]]]:
    """Returns the numbers of messages that must have come, by kind and address, and those that may have.

    A request for a reset that had to be sent again and again can have reached the limit of its address. The
    messages to somebody who was erased were deleted, unless they had been sent.
    """
    addresses = {one["_id"]: one["email"] async for one in database["students"].find({})}
    addresses |= {one["_id"]: one["email"] async for one in database["accounts"].find({})}
    required = Counter({(kind, addresses[own]): number for (kind, own), number in due.messages.items()})
    state = expected_state(log.acks)
    gone = {email for email, student in state.signed_up.items() if student in state.erased}
    required.update({("account_deleted", email): 1 for email in gone})
    resets = [ack for ack in log.done() if ack.action == "requestPasswordReset"]
    for ack in resets:
        if ack.tries <= _MOST_TRIES and ack.input["email"] not in gone:
            required["reset_password", ack.input["email"]] += 1
    maybe = [("reset_password", ack.input["email"]) for ack in resets if ack.tries > _MOST_TRIES]
    addresses_gone = [address(own) for own in erased_marks(state, log.people)]
    return required, [*maybe, *product(KINDS - {"account_deleted"}, addresses_gone)]
