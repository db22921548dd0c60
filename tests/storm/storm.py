"""A storm: many clients write at once, go away, come back and try again, while what serves them is killed."""

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
from tests.storm import crowd, verify, world
from tests.storm.client import FaultError
from tests.storm.gateways import LECTERN, Gateway, environment, serving
from tests.storm.log import Log
from tests.storm.people import Person
from tests.storm.replica_set import ReplicaSet
from tests.storm.report import Kill, Report
from tests.storm.world import World
from tests.support import SECRET


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what."""

    writes: int
    clients: int
    gateway_kills: int
    primary_kills: int = 0
    seed: int = 0


def settings_of(uri: str, name: str) -> Settings:
    """The settings of a gateway on a database."""
    return Settings.model_validate(
        {
            "mongodb_uri": SecretStr(uri),
            "mongodb_database": name,
            "mongodb_driver": os.environ.get("MONGODB_DRIVER", "motor"),
            "lectern_secret": SecretStr(SECRET),
        }
    )


async def run(
    plan: Plan, settings: Settings, directory: Path, replica_set: ReplicaSet | None = None
) -> Report:
    """The storm on an empty database, and what was found afterwards. directory: for the gateway's log."""
    log, random = Log(), Random(plan.seed)
    async with connect(settings) as database:
        await indexes.ensure(database)
        there = await world.make(database, plan.clients, random)
        before = await _transactions(database)
        with serving(settings, directory / "gateway.log") as gateway:
            await gateway.ready()
            began = time.time()
            kills = await _blow(plan, log, there, gateway, replica_set)
            ended = time.time()
            log.faults[:] = [_explained(fault, gateway) for fault in log.faults]
        aborted = None if plan.primary_kills else await _transactions(database) - before
        found = await verify.complaints(database, log)
    found += _recounted(settings)
    return Report(log, kills, began, ended, aborted, found)


async def _blow(
    plan: Plan, log: Log, there: World, gateway: Gateway, replica_set: ReplicaSet | None
) -> list[Kill]:
    """Until the writes are done, and everything is up again."""
    async with crowd.gathered(there, log, gateway.port, plan.seed) as people:
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
    """Kills in turn, evenly over the writes; what was killed is up again before the next one."""
    kills: list[Kill] = []
    gateways = [(n + 1) / (plan.gateway_kills + 1) for n in range(plan.gateway_kills)]
    primaries = [(n + 0.5) / (plan.primary_kills + 0.5) for n in range(plan.primary_kills)]
    turns = sorted([(at, "gateway") for at in gateways] + [(at, "primary") for at in primaries])
    for share, what in turns:
        while len(log.acks) < share * plan.writes and not log.faults:  # noqa: ASYNC110 # a plain list
            await asyncio.sleep(0.02)
        kills.append(await (_kill_gateway(gateway) if what == "gateway" else _kill_primary(replica_set)))
    return kills


async def _kill_gateway(gateway: Gateway) -> Kill:
    at = time.time()
    gateway.kill()
    gateway.restart()
    return Kill("gateway", at)


async def _kill_primary(replica_set: ReplicaSet | None) -> Kill:
    """It comes back when there is another one."""
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
    """How many transactions the primary has given up: each was tried again, or refused."""
    status: dict[str, Any] = await database.command("serverStatus")
    aborted: int = status["transactions"]["totalAborted"]
    return aborted


def _explained(fault: str, gateway: Gateway) -> str:
    """With what the gateway's log has of a masked error."""
    found = re.search(r"'errorId': '(\w+)'", fault)
    return f"{fault}\n{gateway.passage(found[1])}" if found else fault


def _recounted(settings: Settings) -> list[str]:
    """What `lectern recount` finds."""
    told = subprocess.run(
        [LECTERN, "recount"], env=os.environ | environment(settings), capture_output=True, text=True
    )
    return [f"lectern recount: {told.stdout}{told.stderr}"] if told.returncode else []
