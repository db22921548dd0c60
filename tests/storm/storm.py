"""A storm: many clients write at once, disconnect and retry, while gateways and primaries are killed.

To add a mutation:

- what it selects: `client.py`
- who sends it, and when: `students.py`, `people.py` or `editors.py`
- what it leads to: `_APPLY` in `acknowledged.py`; its events and messages: `tests/deliveries/expected.py`
- a check of that: `_CHECKS` in `verify.py`, and a damage that the check finds in `test_storm.py`
"""

import asyncio
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pydantic import SecretStr

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo.database import Database
from loaders.people import unfinished_erasures
from tests import command
from tests.deliveries.outside import outside
from tests.storm import crowd, erasures, verify, world
from tests.storm.client import FaultError
from tests.storm.gateways import Gateway, environment, serving
from tests.storm.log import Log
from tests.storm.people import Mailbox, Person
from tests.storm.replica_set import ReplicaSet
from tests.storm.report import Kill, Report
from tests.storm.world import World
from tests.support import SECRET


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a storm. newcomers: see World."""

    writes: int
    clients: int
    gateway_kills: int
    primary_kills: int = 0
    seed: int = 0
    newcomers: int = 10


def settings_of(uri: str, name: str) -> Settings:
    """The settings of a gateway on a database."""
    return Settings.model_validate(
        {
            "mongodb_uri": SecretStr(uri),
            "mongodb_database": name,
            "mongodb_driver": os.environ.get("LECTERN_MONGODB_DRIVER", "motor"),
            "lectern_secret": SecretStr(SECRET),
        }
    )


async def run(
    plan: Plan, settings: Settings, directory: Path, replica_set: ReplicaSet | None = None
) -> Report:
    """Runs a storm on an empty database, and verifies the database. directory: for the gateway's log."""
    log, random = Log(), Random(plan.seed)
    async with connect(settings) as database:
        await indexes.ensure(database)
        population = await world.make(database, plan.clients, random, plan.newcomers)
        before = await _transactions(database)
        with (
            outside(directory) as receivers,
            serving(settings, directory / "gateway.log", receivers.variables) as gateway,
        ):
            await gateway.ready()
            began = time.time()
            kills = await _rage(plan, log, population, gateway, receivers, replica_set)
            ended = time.time()
            log.faults[:] = [_explained(fault, gateway) for fault in log.faults]
        aborted = None if plan.primary_kills else await _transactions(database) - before
        left = await unfinished_erasures(database)
        complaints = [f"{left} erasures are unfinished"] if left else []
        await erasures.repeat(database)
        complaints += await verify.complaints(database, log)
    complaints += erasures.log_complaints(gateway.log.read_text(errors="replace"), log)
    complaints += _recount_complaints(settings)
    complaints += _check_complaints(settings)
    return Report(log, kills, began, ended, aborted, complaints)


async def _rage(
    plan: Plan,
    log: Log,
    population: World,
    gateway: Gateway,
    mailbox: Mailbox,
    replica_set: ReplicaSet | None,
) -> list[Kill]:
    """Runs all clients until the writes are done and everything is up again. Returns the kills."""
    async with crowd.gathered(population, log, [gateway.port], plan.seed, mailbox) as people:
        killing = asyncio.create_task(_kill(plan, log, gateway, replica_set))
        await asyncio.gather(*(_live(person, plan, log) for person in people))
        return await killing


async def _live(person: Person, plan: Plan, log: Log) -> None:
    try:
        while len(log.acks) < plan.writes:
            await person.act()
    except FaultError as fault:
        log.faults.append(str(fault))


async def _kill(plan: Plan, log: Log, gateway: Gateway, replica_set: ReplicaSet | None) -> list[Kill]:
    """Kills gateways and primaries at even intervals of writes, each after the last one is up again."""
    kills: list[Kill] = []
    gateways = [(n + 1) / (plan.gateway_kills + 1) for n in range(plan.gateway_kills)]
    primaries = [(n + 0.5) / (plan.primary_kills + 0.5) for n in range(plan.primary_kills)]
    schedule = sorted([(at, "gateway") for at in gateways] + [(at, "primary") for at in primaries])
    for share, target in schedule:
        while len(log.acks) < share * plan.writes and not log.faults:  # noqa: ASYNC110 # a plain list
            await asyncio.sleep(0.02)
        kills.append(await (_kill_gateway(gateway) if target == "gateway" else _kill_primary(replica_set)))
    return kills


async def _kill_gateway(gateway: Gateway) -> Kill:
    at = time.time()
    gateway.kill()
    gateway.restart()
    return Kill("gateway", at)


async def _kill_primary(replica_set: ReplicaSet | None) -> Kill:
    """Kills the primary, and restarts it once another one is elected."""
    assert replica_set
    member = await asyncio.to_thread(replica_set.primary)
    at = time.time()
    member.kill()
    await asyncio.to_thread(replica_set.primary)
    elected = time.time()
    member.start()
    await asyncio.to_thread(replica_set.wait_until_whole)
    return Kill("primary", at, elected - at)


async def _transactions(database: Database) -> int:
    """The number of transactions that the primary has aborted: each was retried or refused."""
    status: dict[str, Any] = await database.command("serverStatus")  # a BSON document
    aborted: int = status["transactions"]["totalAborted"]
    return aborted


def _explained(fault: str, gateway: Gateway) -> str:
    """A fault, with the entry in the gateway's log if it is a masked error."""
    match = re.search(r"'errorId': '(\w+)'", fault)
    return f"{fault}\n{gateway.passage(match[1])}" if match else fault


def _recount_complaints(settings: Settings) -> list[str]:
    """The differences that `lectern recount` finds."""
    done = _run("recount", settings)
    return [f"lectern recount: {done.stdout}{done.stderr}"] if done.returncode else []


def _check_complaints(settings: Settings) -> list[str]:
    """What `lectern check` finds, except that newcomers have the addresses of imported students."""
    done = _run("check", settings)
    found = [line for line in done.stdout.splitlines() if re.match(r"\w+: ", line)]
    others = [line for line in found if not line.startswith("students: email is also the e-mail address")]
    if others or (done.returncode and not found):
        return [f"lectern check: {done.stdout}{done.stderr}"]
    return []


def _run(subcommand: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    return command.run([subcommand], environment(settings), seconds=None)
