"""The page at /metrics, and the metrics that a gateway counts, in this process."""

import asyncio
import inspect
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pymongo.errors import OperationFailure
from starlette.applications import Starlette

from app.main import create_app
from app.metrics.exposition import MetricsPage
from app.metrics.families import DERIVED, ERRORS, STORED
from app.metrics.metrics import Metrics
from app.metrics.series import Counter
from app.metrics.shared_memory import SharedMemory
from app.persisted import AutomaticQueries
from app.settings import Settings
from loaders.mongo import Database, Transaction, transaction
from loaders.mongo.scope import Scope, current_scope
from tests.metrics.gateways import sum_of

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


@asynccontextmanager
async def client_of(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lectern") as client,
    ):
        yield client


def test_the_documentation_equals_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    families = (*STORED, *DERIVED)
    expected = {
        (
            family.prometheus_name + ("_total" if family.kind == "counter" else ""),
            family.kind,
            ", ".join(f"`{label}`" for label in family.prometheus_labels),
            family.help,
        )
        for family in families
    }
    assert set(rows) == expected
    assert len(rows) == len(families)


def test_the_documentation_names_every_event_of_a_registered_text() -> None:
    source = inspect.getsource(sys.modules[AutomaticQueries.__module__])
    events = set(re.findall(r'counts\["([a-z ]+)"\]', source))
    assert "registered" in events
    for name, start in (("metrics", "- `event` is"), ("operations", "The metric `lectern_persisted")):
        page = DOCS.with_name(f"{name}.md")
        paragraph = page.read_text("utf-8").partition(start)[2].partition("\n\n")[0]
        assert events <= set(re.findall("`([a-z ]+)`", " ".join(paragraph.split())))


async def test_scrapes_at_the_same_time_share_an_answer() -> None:
    memory, readings = SharedMemory(), 0

    def count() -> None:
        nonlocal readings
        readings += 1

    app = Starlette(routes=[MetricsPage(memory, count).route()])
    async with client_of(app) as client:
        pages = await asyncio.gather(*(client.get("/metrics") for _ in range(1_000)))
        assert {page.status_code for page in pages} == {200}
        assert readings <= 3
        Counter(ERRORS, memory.own).add(("A",))  # what has been counted before a scrape is in its answer
        assert sum_of((await client.get("/metrics")).text, "lectern_errors_total") == 1


async def test_a_scrape_that_is_cancelled_leaves_the_others_alone() -> None:
    app = Starlette(routes=[MetricsPage(SharedMemory()).route()])
    async with client_of(app) as client:
        first = asyncio.create_task(client.get("/metrics"))
        second = asyncio.create_task(client.get("/metrics"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).is_success


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("sent", "code", "limit"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED", ""),
        (
            {"query": "{" + " ".join(f"a{n}: __typename" for n in range(101)) + "}"},
            "OPERATION_TOO_LARGE",
            "LECTERN_MAX_",
        ),
        ({"query": "{ __typename }" + " " * 2000}, "REQUEST_TOO_LARGE", "LECTERN_MAX_BODY_BYTES"),
    ],
)
async def test_refusals_name_the_limit(
    settings: Settings, sent: dict[str, str], code: str, limit: str
) -> None:
    changed = settings.model_copy(update={"metrics": True, "max_body_bytes": 2_000})
    async with client_of(create_app(changed)) as client:
        await client.post("/graphql", json=sent)
        text = (await client.get("/metrics")).text
    assert sum_of(text, "lectern_refusals_total", code=code) == 1
    assert sum_of(text, "lectern_errors_total", code=code) == 1
    assert re.search(rf'lectern_refusals_total{{code="{code}",limit="{limit}', text)


@pytest.mark.usefixtures("database")
async def test_requests_are_counted_by_operation_client_and_cache(settings: Settings) -> None:
    headers = {"apollographql-client-name": "web", "apollographql-client-version": "1.4"}
    async with client_of(create_app(settings.model_copy(update={"metrics": True}))) as client:
        for _ in range(6):
            await client.post("/graphql", json={"query": "query Q { __typename }"}, headers=headers)
        await client.get("/graphql", params={"query": "{ courses { totalCount } }"})
        text = (await client.get("/metrics")).text
    duration = "lectern_operation_duration_seconds_count"
    assert sum_of(text, duration, graphql_operation_name="Q", graphql_operation_type="query") == 2
    assert sum_of(text, duration, graphql_operation_name="other") == 4
    assert sum_of(text, duration, graphql_operation_name="") == 1
    requests = "http_server_request_duration_seconds_count"
    assert sum_of(text, requests, http_request_method="GET") == 1
    assert sum_of(text, "lectern_client_requests_total", client_name="web", client_version="1.4") == 2
    assert sum_of(text, "lectern_client_requests_total", client_name="") == 1
    assert sum_of(text, "lectern_document_cache_requests_total", result="hit") == 5
    assert sum_of(text, "lectern_document_cache_requests_total", result="miss") == 2
    assert sum_of(text, "lectern_document_cache_entries") == 2
    assert sum_of(text, "lectern_admission_wait_seconds_count") == 7
    assert sum_of(text, "lectern_admission_capacity", lane="cheap") == 2 * settings.admission_capacity
    assert sum_of(text, "db_client_connection_count") > 0


async def test_transactions_are_counted_by_outcome(database: Database) -> None:
    memory = SharedMemory()
    metrics = Metrics(memory.own)
    token = current_scope.set(
        Scope(asyncio.get_running_loop().time() + 60, on_transaction=metrics.transaction)
    )
    attempts = 0

    async def conflicting(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.insert("courses", {"slug": f"s{attempts}"})
        if attempts < 3:
            raise OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})

    async def failing(tx: Transaction) -> None:
        raise ValueError("not written")

    try:
        await transaction(database, conflicting)
        with pytest.raises(ValueError, match="not written"):
            await transaction(database, failing)
    finally:
        current_scope.reset(token)
    async with client_of(Starlette(routes=[MetricsPage(memory).route()])) as client:
        text = (await client.get("/metrics")).text
    assert sum_of(text, "lectern_transactions_total", outcome="committed") == 1
    assert sum_of(text, "lectern_transactions_total", outcome="aborted") == 1
    assert sum_of(text, "lectern_transaction_retries_total") == 2


async def test_late_writes_and_misfits_are_counted() -> None:
    memory = SharedMemory()
    metrics = Metrics(memory.own)
    for kind, error in (("commit", None), ("commit", TimeoutError()), ("rest of a write", ValueError())):
        metrics.late_write(kind, error)
    metrics.misfit("courses", 1, ["title"])
    async with client_of(Starlette(routes=[MetricsPage(memory).route()])) as client:
        text = (await client.get("/metrics")).text
    late = "lectern_late_writes_total"
    assert sum_of(text, late, kind="commit", outcome="committed") == 1
    assert sum_of(text, late, kind="commit", outcome="unknown") == 1
    assert sum_of(text, late, kind="rest of a write", outcome="failed") == 1
    assert sum_of(text, "lectern_misfits_total", collection="courses") == 1
