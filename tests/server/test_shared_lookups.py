"""Real requests of several clients that wait for MongoDB share commands, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.mongo import Database
from resolvers.context import PUBLIC, Viewer
from tests import factories
from tests.factories import clear, store
from tests.loaders.mongod import NAME, Mongod, own_mongod
from tests.metrics.gateways import Gateway, serving
from tests.support import TOKENS

__all__ = ["own_mongod"]

COURSE = """query Course($slug: String!) {
  course(slug: $slug) { slug title category { slug } instructors { name } }
}"""
_UNLIMITED = {"LECTERN_BUDGETS": "public=unlimited"}
COUNT = "db_client_operation_duration_seconds_count"
COUNTS = {"db_operation_name": "find", "db_collection_name": "courses"}


@pytest.fixture
async def own(own_mongod: Mongod, settings: Settings) -> AsyncIterator[Database]:
    """Sixty courses, of which every tenth is a draft."""
    async with connect(own_mongod.settings(mongodb_driver=settings.mongodb_driver)) as database:
        await clear(database)
        await indexes.ensure(database)
        category, people = factories.category("art"), [factories.instructor(f"I{i}") for i in range(7)]
        courses = [
            factories.course(
                f"Course {i}",
                slug=f"course-{i}",
                status="DRAFT" if i % 10 == 0 else "PUBLISHED",
                categorySlug="art",
                instructorIds=[people[i % 7]["_id"]],
            )
            for i in range(60)
        ]
        await store(database, categories=[category], instructors=people, courses=courses)
        yield database


def finds(own_mongod: Mongod) -> int:
    """The number of `find`s in courses that the profiler has seen."""
    profile = own_mongod.client[NAME]["system.profile"]
    return int(profile.count_documents({"ns": f"{NAME}.courses", "command.find": "courses"}))


def expected(number: int, viewer: Viewer) -> dict[str, Any] | None:
    if number >= 60 or (number % 10 == 0 and viewer is PUBLIC):
        return None
    instructors = [{"name": f"I{number % 7}"}]
    slug, title = f"course-{number}", f"Course {number}"
    return {"slug": slug, "title": title, "category": {"slug": "art"}, "instructors": instructors}


async def ask(client: httpx.AsyncClient, gateway: Gateway, number: int, viewer: Viewer) -> dict[str, Any]:
    headers = {} if viewer is PUBLIC else {"authorization": f"Bearer {TOKENS.access(viewer).text}"}
    body = {"query": COURSE, "variables": {"slug": f"course-{number}"}}
    response = await client.post(f"{gateway.url}/graphql", json=body, headers=headers)
    answer: dict[str, Any] = response.json()
    return answer


async def test_waiting_requests_share_commands_and_keep_their_own_answers(
    own: Database, own_mongod: Mongod, settings: Settings, tmp_path: Path
) -> None:
    staff = Viewer(frozenset({"STAFF"}), subject="5f" * 12)
    asked = [(i % 70, staff if i % 3 == 0 else PUBLIC) for i in range(200)]
    of_gateway = own_mongod.settings(mongodb_driver=settings.mongodb_driver)
    with serving(of_gateway, tmp_path / "log", _UNLIMITED, workers=1) as gateway:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:
            first = await ask(client, gateway, 1, PUBLIC)
            assert first == {"data": {"course": expected(1, PUBLIC)}}
            own_mongod.client[NAME].command("profile", 2)
            before = gateway.value(COUNT, **COUNTS)
            # The first 76 take all slots. The others have arrived when these are free again.
            with own_mongod.blocking("find", seconds=6, times=76):
                answers = await asyncio.gather(*(ask(client, gateway, *own) for own in asked))
            own_mongod.client[NAME].command("profile", 0)
        sent = finds(own_mongod)
        assert answers == [{"data": {"course": expected(number, viewer)}} for number, viewer in asked]
        assert gateway.value(COUNT, **COUNTS) - before == sent
        merged = gateway.value("lectern_mongodb_merged_total")
        assert sent <= 150
        assert merged >= 200 - sent
