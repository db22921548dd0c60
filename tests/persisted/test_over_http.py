"""Persisted and trusted operations over HTTP, in every mode."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.budget_classes import BudgetClass
from app.execution import Operation
from app.execution.document_reader import Reader
from app.main import create_app
from app.observing import Listener, Record
from app.persisted import hash_of
from app.settings import Settings
from loaders.mongo import Database, now
from loaders.persisted import VersionKey, mark_used, recent_sightings, remove, versions
from tests import factories
from tests.factories import store
from tests.http.conftest import running
from tests.http.requests import client, error
from tests.loaders.mongod import Mongod, own_mongod
from tests.persisted.conftest import WEB, Start, trust

__all__ = ["own_mongod"]

TEXT = "query A { __typename }"
ANSWER = {"data": {"__typename": "Query"}}
TRUSTED = "query B { categories { slug } }"
OTHER = "query C { a: __typename }"
MUTATION = "mutation M { signOut(input: {}) { clientMutationId } }"
GRAPHQL: dict[str, Any] = {"accept": "application/graphql-response+json"}
NOT_FOUND = (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


def by_hash(text: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}, **more}


async def ask(url: str, parameters: dict[str, Any], *, get: bool = False, **headers: Any) -> httpx.Response:
    """The answer to an operation. Arguments name header fields, with `_` for `-`."""
    lines = {"accept": "application/json"} | {name.replace("_", "-"): v for name, v in headers.items()}
    async with client(url) as http:
        if not get:
            return await http.post("/graphql", json=parameters, headers=lines)
        texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in parameters.items()}
        return await http.get("/graphql", params=texts, headers=lines)


async def code(url: str, parameters: dict[str, Any], **options: Any) -> str:
    """The code of the answer to an operation; "OK" if it has no error."""
    answer = (await ask(url, parameters, **options)).json()
    return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "OK"


async def until(check: Callable[[], Any]) -> None:
    """Waits until a coroutine function returns something true."""
    async with asyncio.timeout(10):
        while not await check():  # noqa: ASYNC110 # another process has no event
            await asyncio.sleep(0.02)


class Records(Listener):
    def __init__(self) -> None:
        self.records: list[Record] = []

    def request_ended(self, record: Record) -> None:
        self.records.append(record)


# -- automatic persisted queries ---------------------------------------------------------------------------


@pytest.mark.parametrize("get", [False, True], ids=["POST", "GET"])
async def test_a_hash_is_known_once_its_text_was_sent_with_it(start: Start, get: bool) -> None:
    url = start()
    unknown = await ask(url, by_hash(TEXT), get=get)
    assert error(unknown) == NOT_FOUND
    assert unknown.headers["cache-control"] == "no-store"  # the next request can register the text
    assert (await ask(url, by_hash(TEXT, query=TEXT), get=get)).json() == ANSWER
    for method in (get, not get):
        assert (await ask(url, by_hash(TEXT), get=method)).json() == ANSWER


async def test_the_status_is_400_for_clients_of_the_specification(start: Start) -> None:
    assert error(await ask(start(), by_hash(TEXT), **GRAPHQL)) == (400, *NOT_FOUND[1:])


async def test_a_hash_takes_variables_and_an_operation_name(start: Start) -> None:
    url, text = start(), "query A($a: Boolean!) { __typename @skip(if: $a) } query B { b: __typename }"
    assert (await ask(url, by_hash(text, query=text, operationName="B"))).json() == {"data": {"b": "Query"}}
    answer = await ask(url, by_hash(text, operationName="A", variables={"a": True}))
    assert answer.json() == {"data": {}}


async def test_a_text_with_another_hash_is_refused_and_not_kept(start: Start) -> None:
    url = start()
    answer = await ask(url, by_hash(TEXT, query=OTHER))
    assert error(answer) == (400, "BAD_REQUEST", "provided sha does not match query")
    assert error(await ask(url, by_hash(TEXT))) == NOT_FOUND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ " + "a: __typename " * 1_100 + "}", "OPERATION_TOO_LARGE"),
    ],
)
async def test_only_valid_operations_are_registered(start: Start, text: str, expected: str) -> None:
    url = start()
    assert await code(url, by_hash(text, query=text)) == expected
    assert error(await ask(url, by_hash(text))) == NOT_FOUND


async def test_what_its_client_cant_pay_for_is_not_registered(start: Start) -> None:
    texts = [f"query {name} {{ categories {{ id }} }}" for name in "ABC"]
    url = start(budgets=(BudgetClass("public", 1, 320),))  # one operation, whose price is not all given back
    statuses = [(await ask(url, by_hash(text, query=text))).status_code for text in texts]
    assert statuses == [200, 429, 429]
    other = start()
    await until(lambda: known(other, texts[0]))
    assert not await known(other, texts[1])


async def known(url: str, text: str) -> bool:
    return await code(url, by_hash(text)) == "OK"


async def test_beyond_the_number_of_a_network_texts_run_and_are_not_registered(start: Start) -> None:
    url = start(persisted_queries_per_hour=1, metrics=True)
    for text, expected in ((TEXT, "OK"), (OTHER, "PERSISTED_QUERY_NOT_FOUND")):
        assert (await ask(url, by_hash(text, query=text))).status_code == 200
        assert await code(url, by_hash(text)) == expected
    async with client(url) as http:
        page = (await http.get("/metrics")).text
    assert 'lectern_persisted_queries_total{event="registered"} 1.0' in page
    assert 'lectern_persisted_queries_total{event="not registered"} 1.0' in page


async def test_a_mutation_by_its_hash_needs_post(start: Start) -> None:
    url = start()
    await ask(url, by_hash(MUTATION, query=MUTATION))
    assert error(await ask(url, by_hash(MUTATION), get=True))[:2] == (405, "METHOD_NOT_ALLOWED")
    assert await code(url, by_hash(MUTATION)) != "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("persisted", "part"),
    [
        ({"version": 2, "sha256Hash": "x"}, "Unsupported persisted query version"),
        ({"version": True, "sha256Hash": "x"}, "Unsupported persisted query version"),
        ({"sha256Hash": "x"}, "Unsupported persisted query version"),
        ({"version": 1}, "`extensions.persistedQuery.sha256Hash` must be a string"),
        ({"version": 1, "sha256Hash": ""}, "must be a string"),
        ({"version": 1, "sha256Hash": 5}, "must be a string"),
        ("x", "must be a JSON object"),
        ([], "must be a JSON object"),
    ],
)
@pytest.mark.parametrize("query", [{}, {"query": TEXT}])
async def test_malformed_parameters_are_refused(
    start: Start, persisted: Any, part: str, query: dict[str, str]
) -> None:
    answer = await ask(start(), {"extensions": {"persistedQuery": persisted}, **query})
    assert error(answer)[:2] == (400, "BAD_REQUEST")
    assert part in error(answer)[2]


async def test_a_registration_in_one_process_is_known_to_others_and_after_a_restart(start: Start) -> None:
    first, second = start(), start()
    await ask(first, by_hash(TEXT, query=TEXT))

    async def is_known() -> bool:
        return await code(start(), by_hash(TEXT)) == "OK"

    await until(is_known)
    assert await code(second, by_hash(TEXT)) == "OK"


async def test_without_them_clients_learn_to_send_texts(start: Start) -> None:
    url = start(persisted_queries=False)
    accepts: list[tuple[dict[str, Any], int]] = [({}, 200), (GRAPHQL, 400)]
    for headers, status in accepts:
        answer = await ask(url, by_hash(TEXT), **headers)
        assert error(answer) == (status, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    assert (await ask(url, by_hash(OTHER, query=TEXT))).json() == ANSWER


async def test_a_look_up_is_not_a_command_of_the_operation(start: Start, database: Database) -> None:
    await ask(start(), by_hash(TEXT, query=TEXT))
    records = Records()
    await until_stored(database)
    url = start(records)
    answer = await ask(url, by_hash(TEXT), x_lectern_trace="1")
    assert answer.json()["extensions"]["lectern"]["mongo"]["commands"] == 0
    (record,) = records.records
    assert (record.command_count, record.way) == (0, "apq")


async def until_stored(database: Database) -> None:
    """Waits until a registered text is in MongoDB."""

    async def is_stored() -> bool:
        return await database["persistedOperations"].find_one({}) is not None

    await until(is_stored)


async def test_while_mongodb_is_away_registered_texts_run_and_others_are_not_found(
    own_mongod: Mongod, start: Start
) -> None:
    own = own_mongod.settings(mongodb_timeout=1.0, request_timeout=5.0)
    url = start(**own.model_dump(include={"mongodb_uri", "mongodb_database", "mongodb_timeout"}))
    assert (await ask(url, by_hash(TEXT, query=TEXT))).json() == ANSWER
    with own_mongod.stopped():
        assert (await ask(url, by_hash(TEXT))).json() == ANSWER
        assert error(await ask(url, by_hash(OTHER))) == NOT_FOUND
        assert (await ask(url, by_hash(OTHER, query=OTHER))).status_code == 200
        assert await code(url, by_hash(OTHER)) == "OK"
        refused = start(operations="trusted", mongodb_uri=own.mongodb_uri, mongodb_timeout=0.5)
        answer = await ask(refused, {"query": TEXT})
        assert error(answer)[:2] == (503, "SERVICE_UNAVAILABLE")
        assert answer.headers["retry-after"]


# -- trusted operations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("get", [False, True], ids=["POST", "GET"])
@pytest.mark.parametrize("id", ["sha256:" + "a" * 64, "b" * 32, "7"])
@pytest.mark.parametrize("mode", ["any", "persisted", "trusted"])
async def test_every_parameter_names_a_trusted_operation(
    start: Start, database: Database, mode: str, id: str, get: bool
) -> None:
    await trust(database, {id: TRUSTED})
    url = start(operations=mode)
    in_extensions = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": id}}}
    for parameters in (
        {"id": id},
        {"documentId": id},
        {"doc_id": id},
        in_extensions,
        {"id": id, "doc_id": id, **in_extensions},
    ):
        for text in ({}, {"query": TRUSTED}):
            assert (await ask(url, parameters | text, get=get)).json() == {"data": {"categories": []}}


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"id": "a", "documentId": "b"}, "`id` and `documentId` are different"),
        ({"documentId": "a", "doc_id": "b"}, "`documentId` and `doc_id` are different"),
        (by_hash(TEXT, id="a"), "`extensions.persistedQuery.sha256Hash` and `id` are different"),
        ({"id": 7}, "`id` must be a string"),
        ({"id": "a", "query": TEXT}, "`query` is not the text of the operation with the id a"),
        ({"id": "a", "query": TRUSTED + " "}, "`query` is not the text"),
        ({"id": ""}, "`query` is missing"),
        ({"id": None}, "`query` is missing"),
    ],
)
@pytest.mark.parametrize("mode", ["any", "trusted"])
async def test_parameters_that_contradict_each_other_are_refused(
    start: Start, database: Database, mode: str, parameters: dict[str, Any], part: str
) -> None:
    await trust(database, {"a": TRUSTED})
    answer = await ask(start(operations=mode), parameters)
    assert error(answer)[:2] == (400, "BAD_REQUEST")
    assert part in error(answer)[2]


async def test_an_id_in_a_url_is_for_no_page(start: Start, database: Database) -> None:
    await trust(database, {"a": TRUSTED})
    answer = await ask(start(graphiql=True), {"id": "a"}, get=True, accept="text/html,*/*;q=0.1")
    assert answer.json() == {"data": {"categories": []}}


async def test_a_parameter_in_a_url_may_not_be_repeated(start: Start) -> None:
    async with client(start()) as http:
        answer = await http.get("/graphql?id=a&id=b")
    assert "`id` more than once" in error(answer)[2]


@pytest.mark.parametrize(
    ("mode", "parameters", "expected"),
    [
        ("any", {"query": OTHER}, "OK"),
        ("any", {"id": "?"}, "PERSISTED_QUERY_NOT_FOUND"),
        ("any", {"id": "?", "query": OTHER}, "OK"),
        ("any", by_hash(OTHER), "PERSISTED_QUERY_NOT_FOUND"),
        ("any", by_hash(OTHER, query=OTHER), "OK"),
        ("persisted", {"query": OTHER}, "PERSISTED_QUERY_REQUIRED"),
        ("persisted", {"query": TRUSTED}, "OK"),
        ("persisted", {"id": "?"}, "PERSISTED_QUERY_NOT_FOUND"),
        ("persisted", {"id": "?", "query": OTHER}, "PERSISTED_QUERY_REQUIRED"),
        ("persisted", by_hash(OTHER), "PERSISTED_QUERY_NOT_FOUND"),
        ("persisted", by_hash(OTHER, query=OTHER), "OK"),
        ("trusted", {"query": OTHER}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"query": TRUSTED}, "OK"),
        ("trusted", {"query": TRUSTED + " "}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"query": TRUSTED + OTHER, "operationName": "B"}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"query": TRUSTED, "operationName": "C"}, "OPERATION_RESOLUTION_FAILURE"),
        ("trusted", {"id": "b", "operationName": "C"}, "OPERATION_RESOLUTION_FAILURE"),
        ("trusted", {"query": "{ __schema { queryType { name } } }"}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"query": "{"}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"id": "?"}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"id": "?", "query": OTHER}, "OPERATION_NOT_TRUSTED"),
        ("trusted", {"id": "?", "query": TRUSTED}, "OK"),
        ("trusted", by_hash(OTHER), "OPERATION_NOT_TRUSTED"),
        ("trusted", by_hash(OTHER, query=OTHER), "OPERATION_NOT_TRUSTED"),
        ("trusted", by_hash(TRUSTED), "OPERATION_NOT_TRUSTED"),  # the manifest gives it another id
        ("trusted", by_hash(TRUSTED, query=TRUSTED), "OK"),
        ("trusted", by_hash(OTHER, query=TRUSTED), "BAD_REQUEST"),
    ],
)
@pytest.mark.parametrize("get", [False, True], ids=["POST", "GET"])
async def test_what_runs_in_each_mode(
    start: Start, database: Database, mode: str, parameters: dict[str, Any], expected: str, get: bool
) -> None:
    await trust(database, {"b": TRUSTED})
    assert await code(start(operations=mode), parameters, get=get) == expected


@pytest.mark.parametrize("mode", ["any", "persisted"])
async def test_a_hash_is_registered_even_if_its_text_is_trusted_by_another_id(
    start: Start, database: Database, mode: str
) -> None:
    await trust(database, {"b": TRUSTED})
    url = start(operations=mode)
    assert await code(url, by_hash(TRUSTED)) == "PERSISTED_QUERY_NOT_FOUND"
    assert await code(url, by_hash(TRUSTED, query=TRUSTED)) == "OK"
    assert await code(url, by_hash(TRUSTED), get=True) == "OK"


async def test_a_text_that_was_registered_before_does_not_run_in_trusted(
    start: Start, database: Database
) -> None:
    await ask(start(), by_hash(OTHER, query=OTHER))
    await until_stored(database)
    url = start(operations="trusted")
    assert await code(url, by_hash(OTHER)) == "OPERATION_NOT_TRUSTED"


async def test_a_running_gateway_learns_of_pushes_and_removals(start: Start, database: Database) -> None:
    url = start(operations="trusted")
    assert await code(url, {"id": "b"}) == "OPERATION_NOT_TRUSTED"
    await trust(database, {"b": TRUSTED})

    async def is_known() -> bool:
        return await code(url, {"id": "b"}) == "OK"

    await until(is_known)
    await remove(database, lambda one: one.key == WEB)

    async def is_refused() -> bool:
        return await code(url, {"id": "b"}) == "OPERATION_NOT_TRUSTED"

    await until(is_refused)


async def test_a_trusted_operation_is_read_once_and_needs_no_command(
    start: Start, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables are checked every time."""
    text = "query B($first: Int) { courses(first: $first) { nodes { id } } }"
    await trust(database, {"b": text})
    read: list[str] = []
    original = Reader.read

    def recorded(self: Reader, operation: Operation) -> Any:
        read.append(operation.query)
        return original(self, operation)

    monkeypatch.setattr(Reader, "read", recorded)
    records = Records()
    url = start(records, operations="trusted")
    for first in (1, 2, 3):
        assert await code(url, {"id": "b", "variables": {"first": first}}) == "OK"
    assert await code(url, {"id": "b", "variables": {"first": 10**6}}) != "OK"
    assert await code(url, {"id": "b", "variables": {"first": "x"}}) == "BAD_USER_INPUT"
    assert read == [text]
    assert {(record.way, record.command_count) for record in records.records[:3]} == {("trusted", 1)}


async def test_operations_beyond_the_limits_are_not_loaded(start: Start, database: Database) -> None:
    await trust(database, {"a": TEXT, "b": TRUSTED})
    for setting, value in (
        ("max_trusted_operations", 1),
        ("max_trusted_bytes", len(TEXT + TRUSTED) - 1),
    ):
        url = start(operations="trusted", **{setting: value})
        assert [await code(url, {"id": own}) for own in "ab"] == ["OK", "OPERATION_NOT_TRUSTED"]
    url = start(operations="trusted", max_trusted_operations=2, max_trusted_bytes=len(TEXT + TRUSTED))
    assert [await code(url, {"id": own}) for own in "ab"] == ["OK", "OK"]


# -- report mode, and what is unknown ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "parameters", "reported"),
    [
        ("trusted", {"query": OTHER}, ("text", "reported")),
        ("trusted", by_hash(OTHER, query=OTHER), ("hash", "reported")),
        ("trusted", {"query": TRUSTED}, None),
        ("persisted", {"query": OTHER}, ("text", "reported")),
        ("persisted", by_hash(OTHER, query=OTHER), None),
    ],
)
async def test_in_report_mode_everything_runs_and_is_counted(
    start: Start, database: Database, mode: str, parameters: dict[str, Any], reported: Any
) -> None:
    await trust(database, {"b": TRUSTED})
    records = Records()
    url = start(records, operations=mode, operations_report=True, metrics=True)
    assert await code(url, parameters) == "OK"
    assert records.records[0].unknown == reported
    async with client(url) as http:
        page = (await http.get("/metrics")).text
    if reported:
        assert f'lectern_unknown_operations_total{{outcome="reported",reason="{reported[0]}"}} 1.0' in page
    assert "lectern_trusted_operations 1.0" in page
    assert f'lectern_operation_ways_total{{way="{records.records[0].way}"}} 1.0' in page


@pytest.mark.parametrize(
    ("parameters", "expected", "counted"),
    [
        ({"id": "?"}, "PERSISTED_QUERY_NOT_FOUND", ("id", "refused")),
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED", ("text", "reported")),
        ({"query": "{ __schema { queryType { name } } }"}, "OK", ("text", "reported")),
    ],
)
async def test_in_report_mode_an_unknown_id_fails_and_every_text_is_counted(
    start: Start, parameters: dict[str, Any], expected: str, counted: tuple[str, str]
) -> None:
    records = Records()
    url = start(records, operations="trusted", operations_report=True)
    assert await code(url, parameters) == expected
    assert records.records[0].unknown == counted


async def test_ids_are_opaque_and_a_registered_hash_is_none(start: Start, database: Database) -> None:
    own = f"sha256:{hash_of(TRUSTED)}"
    await trust(database, {own: TRUSTED})
    url = start()
    assert await code(url, {"id": own}) == "OK"
    assert await code(url, {"id": own.removeprefix("sha256:")}) == "PERSISTED_QUERY_NOT_FOUND"
    assert await code(url, by_hash(OTHER, query=OTHER)) == "OK"
    assert await code(url, by_hash(OTHER)) == "OK"
    for name in ("id", "documentId", "doc_id"):
        assert await code(url, {name: hash_of(OTHER)}) == "PERSISTED_QUERY_NOT_FOUND"


async def test_in_report_mode_a_hash_can_be_registered(start: Start) -> None:
    url = start(operations="trusted", operations_report=True)
    assert error(await ask(url, by_hash(OTHER))) == NOT_FOUND
    assert await code(url, by_hash(OTHER, query=OTHER)) == "OK"
    assert await code(url, by_hash(OTHER)) == "OK"


async def test_unknown_operations_are_listed_when_the_gateway_stops(
    database: Database, settings: Settings
) -> None:
    text = 'query Q { courses(search: "Ada Lovelace", first: 17) { nodes { id } } } # Ada'
    with running(create_app(settings.model_copy(update={"operations": "trusted"}))) as url:
        names: dict[str, Any] = {"apollographql_client_name": "web", "apollographql_client_version": "1.2"}
        for _ in range(3):
            await ask(url, {"query": text}, **names)
        await ask(url, {"id": "old"})
    by_key = {one.hash: one for one in await recent_sightings(database, 10)}
    listed = by_key[hash_of(text)]
    assert (listed.client, listed.version, listed.times, listed.reason) == ("web", "1.2", 3, "text")
    assert listed.sample == "query Q { courses(…) { nodes { id } } }"
    assert (by_key["old"].reason, by_key["old"].sample) == ("id", "")


@pytest.mark.parametrize(
    ("sent", "is_shown"),
    [
        ("sha256:ab+/=", True),
        ("courses/Find-2.1_x", True),
        ("x" * 200, True),
        ("x" * 201, False),
        ("ann@a.example", False),
        ("Ada Lovelace", False),
        ("\x1b]0;a\x07", False),
        ("a\n", False),
        ("\u202e", False),
    ],
)
async def test_an_unknown_id_is_listed_by_its_hash_if_it_could_be_anything(
    database: Database, settings: Settings, sent: str, is_shown: bool
) -> None:
    with running(create_app(settings.model_copy(update={"operations": "trusted"}))) as url:
        async with client(url) as http:
            body = json.dumps({"id": sent})
            await http.post("/graphql", content=body, headers={"content-type": "application/json"})
    (listed,) = await recent_sightings(database, 10)
    assert listed.hash == (sent if is_shown else hash_of(sent))
    assert listed.reason == "id"


async def test_the_versions_in_use_are_stored(database: Database, settings: Settings) -> None:
    app_7, app_8 = VersionKey("app", "7"), VersionKey("app", "8")
    await trust(database, {"a": TEXT}, WEB)
    await trust(database, {"a": TEXT, "b": TRUSTED}, app_7)
    await trust(database, {"b": TRUSTED}, app_8)
    long_ago = now() - timedelta(days=9)
    await mark_used(database, [WEB, app_7, app_8], long_ago)
    names: dict[str, Any] = {"apollographql_client_name": "app", "apollographql_client_version": "7"}

    async def used(parameters: dict[str, Any], **headers: Any) -> set[VersionKey]:
        with running(create_app(settings)) as url:
            await ask(url, parameters, **headers)
        found = {one.key for one in await versions(database) if one.used_at and one.used_at > long_ago}
        await database["trustedVersions"].update_many({}, {"$set": {"usedAt": long_ago}})
        return found

    assert await used({"id": "b"}, **names) == {app_7}
    assert await used({"id": "b"}) == {app_7, app_8}  # it could be either
    assert await used({"query": TEXT}) == {WEB, app_7}
    with_other = names | {"apollographql_client_version": "9"}
    assert await used({"id": "a"}, **with_other) == {WEB, app_7}


async def test_a_course_is_read_by_its_hash(start: Start, database: Database) -> None:
    course = factories.course(slug="graphs")
    await store(database, courses=[course])
    url, text = start(), "query A($slug: String!) { course(slug: $slug) { title } }"
    for parameters in (by_hash(text, query=text), by_hash(text)):
        answer = await ask(url, {**parameters, "variables": {"slug": "graphs"}})
        assert answer.json() == {"data": {"course": {"title": course["title"]}}}
