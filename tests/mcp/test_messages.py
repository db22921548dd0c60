"""What an MCP message may be and costs, whatever it asks for."""

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Authentication
from app.http import AllowedOrigins
from app.mcp import MessageChecks, Tool, tool_server
from app.mcp.message_checks import PRICE
from app.mcp.tool_server import ToolServer
from app.observing import Instrumentation, Listener, Refused
from app.protection import Admission
from app.settings import Settings
from loaders.mongo import Database
from loaders.persisted import VersionKey
from resolvers.context import Viewer
from tests.budgets.conftest import stopped_clock
from tests.http.requests import client
from tests.mcp.test_over_http import JSON, MODES, TEXTS, TOOLS, connected, tools
from tests.persisted.conftest import Start, start, trust
from tests.support import TOKENS

__all__ = ["start", "stopped_clock", "tools"]

HEADERS = JSON | {"content-type": "application/json"}
BUDGETS = Settings(budgets="public=1:1000").budgets


class Refusals(Listener):
    def __init__(self) -> None:
        self.seen: list[Refused] = []

    def refused(self, refusal: Refused) -> None:
        self.seen.append(refusal)


def message(method: str, **changed: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, **changed}).encode()


async def send(http: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post("/mcp", content=body, headers=HEADERS | lines)


def left(answer: httpx.Response) -> int:
    """The points that are left, by the header fields of a response."""
    assert answer.headers["ratelimit-policy"] == '"public";q=1000;w=1000;qu="cost"'
    return int(answer.headers["ratelimit"].split(";")[1].removeprefix("r="))


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"},
}  # fmt: skip


@pytest.mark.usefixtures("stopped_clock")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (message("ping"), 200),
        (message("initialize", params=INITIALIZE), 200),
        (message("tools/list"), 200),
        (message("tools/call", params={"name": "nope"}), 200),
        (message("nope"), 200),
        (b'{"jsonrpc": "2.0", "method": "notifications/initialized"}', 202),
        (b"nonsense", 400),
        (b"[]", 400),
    ],
)
async def test_each_message_has_a_price(tools: Database, start: Start, body: bytes, status: int) -> None:
    async with client(start(mcp=True, budgets=BUDGETS)) as http:
        answer = await send(http, body)
    assert (answer.status_code, left(answer)) == (status, 1000 - PRICE)


async def test_a_call_pays_for_its_operation_too(tools: Database, start: Start) -> None:
    async with client(start(mcp=True, budgets=BUDGETS)) as http:
        arguments = {"name": "find_courses", "arguments": {"words": "SQL"}}
        call = await send(http, message("tools/call", params=arguments))
        assert 0 < left(call) < 1000 - PRICE


async def test_messages_past_the_budget_are_refused(tools: Database, start: Start) -> None:
    refused = Refusals()
    async with client(start(refused, mcp=True, budgets=BUDGETS)) as http, asyncio.timeout(30):
        while (answer := await send(http, message("ping"))).status_code == 200:
            pass
        wait = int(answer.headers["retry-after"])
        assert (answer.status_code, answer.json()) == (
            429,
            {
                "jsonrpc": "2.0",
                "id": None,
                "error": {
                    "code": -32000,
                    "message": "Your budget has too few points left: "
                    f"this request costs {PRICE}. Try again in {wait} s.",
                    "data": {"code": "RATE_LIMITED", "retryAfter": wait},
                },
            },
        )
        assert left(answer) < PRICE
        # Refused messages pay nothing, and a viewer has a budget of their own.
        assert left(await send(http, message("ping"))) >= left(answer)
        token = f"Bearer {TOKENS.access(Viewer(frozenset(('STUDENT',)), subject='1')).text}"
        assert (await send(http, message("ping"), authorization=token)).status_code == 200
    assert [(one.code, one.status, one.limit) for one in refused.seen][:1] == [
        ("RATE_LIMITED", 429, "LECTERN_BUDGETS")
    ]


async def test_a_budget_that_never_holds_a_message_is_told(tools: Database, start: Start) -> None:
    async with client(start(mcp=True, budgets=Settings(budgets="public=1:39").budgets)) as http:
        answer = await send(http, message("ping"))
    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": -32000,
        "message": "A message costs 40 points, and your budget never holds as many (LECTERN_BUDGETS).",
        "data": {"code": "OPERATION_TOO_LARGE"},
    }


async def test_a_message_with_an_unknown_key_is_refused(tools: Database, start: Start) -> None:
    async with client(start(mcp=True, budgets=BUDGETS)) as http:
        answer = await send(http, message("ping"), x_lectern_client_key="nope")
    assert (answer.status_code, answer.json()["error"]["data"]) == (403, {"code": "UNKNOWN_CLIENT_KEY"})


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def checked(app: ASGIApp, admission: Admission) -> MessageChecks:
    return MessageChecks(
        app,
        Authentication(TOKENS, None, lambda: None),  # type: ignore[arg-type, return-value]
        admission,
        Instrumentation(),
        AllowedOrigins(()),
        1_000_000,
        10,
        None,
    )


def checks(admission: Admission) -> httpx.AsyncClient:
    """A client of the checks alone, in front of an application that does nothing."""
    transport = httpx.ASGITransport(checked(nothing, admission))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def test_messages_wait_to_be_parsed_as_documents_do() -> None:
    admission = Admission(wait=0.01)
    async with checks(admission) as http:
        assert (await send(http, message("ping"))).status_code == 204
        await asyncio.sleep(0)  # it leaves the lane in the loop's next iteration
        assert admission.texts.used == 0
        admission.texts.used = admission.texts.capacity
        answer = await send(http, message("ping"))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["data"]["code"] == "OVERLOADED"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "The body is not JSON: it is empty."),
        (b"\xff", "The body is not JSON: invalid UTF-8 at byte 0."),
        (b"1", "The body must be a JSON-RPC message"),
        (b"{}", "The body must be a JSON-RPC message"),
        (b"[" + message("ping") + b"]", "The body must be a single message: batches are not supported."),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', "`method` is missing"),
        (message("ping", params=[]), "`params` must be an object."),
        (message("ping", id=None), "`id` must be an integer, or a text of at most 1,000 characters."),
        (message("ping", id=True), "`id` must be an integer"),
        (message("ping", id=1.5), "`id` must be an integer"),
        (message("ping", id="x" * 1_001), "`id` must be an integer"),
        (message("ping", id=10**20), "`id` must be an integer"),
        (message("ping").replace(b": 1,", b": " + b"9" * 5_000 + b","), "The body is not JSON: number is"),
        (message("ping", params={"a": float("nan")}), "The body is not JSON"),
        (b'{"a":' * 2_000, "The body is not JSON: depth limit exceeded"),
    ],
)
async def test_what_is_no_message_is_refused_with_the_reason(body: bytes, told: str) -> None:
    async with checks(Admission()) as http:
        answer = await send(http, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["data"]) == (400, -32600, {"code": "BAD_REQUEST"})
    assert error["message"].startswith(told)


async def test_an_id_can_have_a_thousand_characters(tools: Database, start: Start) -> None:
    async with client(start(mcp=True)) as http:
        answer = await send(http, message("ping", id="x" * 1_000))
    assert answer.json() == {"jsonrpc": "2.0", "id": "x" * 1_000, "result": {}}


async def test_media_types_are_told() -> None:
    async with checks(Admission()) as http:
        plain = await http.post("/mcp", content=message("ping"), headers={"content-type": "text/plain"})
        html = await send(http, message("ping"), accept="text/html")
    assert (plain.status_code, html.status_code) == (415, 406)
    assert "must be JSON" in plain.json()["error"]["message"]
    assert html.json()["error"]["message"] == "The `Accept` header must allow application/json."


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/event-stream, application/json;q=0.5", ""]
)
async def test_a_client_need_not_accept_streams(tools: Database, start: Start, accept: str) -> None:
    async with client(start(mcp=True)) as http:
        assert (await send(http, message("ping"), accept=accept)).json()["result"] == {}


async def test_a_message_can_be_compressed(tools: Database, start: Start) -> None:
    async with client(start(mcp=True)) as http:
        answer = await send(http, gzip.compress(message("ping")), content_encoding="gzip")
    assert answer.json()["result"] == {}


async def test_a_body_that_does_not_arrive_is_refused(tools: Database, start: Start) -> None:
    url = httpx.URL(start(mcp=True, request_timeout=0.1))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = "POST /mcp HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"The body took too long to arrive." in answer
    writer.close()


class Lists:
    """Counts how often the tools are listed, and described."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listed = self.described = 0
        list_, describe = ToolServer._list, tool_server._described

        async def counting(*args: Any) -> Any:
            self.listed += 1
            return await list_(*args)

        def describing(tool: Any) -> Any:
            self.described += 1
            return describe(tool)

        monkeypatch.setattr(ToolServer, "_list", counting)
        monkeypatch.setattr(tool_server, "_described", describing)


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_lists_no_tools(
    tools: Database, start: Start, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(monkeypatch)
    async with connected(start(mcp=True), mode) as assistant:
        await assistant.list_tools()
        before = lists.listed
        for _ in range(3):
            assert not (await assistant.call_tool("find_courses", {"words": "SQL"})).is_error
    assert (before, lists.listed) == (1, 1)


async def test_the_list_is_made_once_for_each_version_until_the_tools_change(
    tools: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = Lists(monkeypatch)
    async with client(start(mcp=True)) as http:
        listed = [(await send(http, message("tools/list", id=n))).json() for n in range(3)]
        assert [one["id"] for one in listed] == [0, 1, 2]
        assert listed[0]["result"] == listed[2]["result"]
        assert lists.described == len(TOOLS)
        await send(http, message("tools/list"), mcp_protocol_version="2025-11-25")
        assert lists.described == 2 * len(TOOLS)
        await trust(tools, TEXTS, VersionKey("web", "2"), tools=TOOLS[:1])
        async with asyncio.timeout(10):
            while len((await send(http, message("tools/list"))).json()["result"]["tools"]) > 1:
                pass
        assert lists.described == 2 * len(TOOLS) + 1


async def test_a_notification_cannot_empty_the_list(tools: Database, start: Start) -> None:
    async with client(start(mcp=True)) as http:
        assert (await send(http, b'{"jsonrpc": "2.0", "method": "tools/list"}')).status_code == 202
        listed = (await send(http, message("tools/list"))).json()["result"]["tools"]
    assert len(listed) == len(TOOLS)


async def test_there_is_one_page_of_tools(tools: Database, start: Start) -> None:
    async with client(start(mcp=True)) as http:
        answer = await send(http, message("tools/list", params={"cursor": "2"}))
    assert "all tools are in the first" in answer.json()["error"]["message"]


async def test_messages_write_nothing_to_the_log(
    tools: Database, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise, a client could flood it."""
    bodies = [
        b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {"x": 1}}',
        message("tools/list"),
        message("tools/call", params={"name": 1}),
        message("nope"),
    ]
    async with client(start(mcp=True)) as http:
        for body in bodies:
            await send(http, body)
    assert [one.getMessage() for one in caplog.records if one.name.startswith("mcp")] == []


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_an_operation_learns_that_the_client_has_gone(version: str) -> None:
    """Then the endpoint cancels it."""
    received: list[str] = []

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        received.extend([(await receive())["type"], (await receive())["type"]])

    tool = Tool("me", "", "2", is_query=True, input_schema={"type": "object", "properties": {}})
    server = ToolServer(endpoint, lambda: {"me": tool}, 1_000_000)
    body = message("tools/call", params={"name": "me", "_meta": META})
    pending: list[Message] = [
        {"type": "http.request", "body": body, "more_body": False},
        {"type": "http.disconnect"},
    ]
    names = {"mcp-protocol-version": version, "mcp-method": "tools/call", "mcp-name": "me"}
    headers = [(name.encode(), value.encode()) for name, value in (HEADERS | names).items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": headers}

    async def receive() -> Message:
        return pending.pop(0)

    async def drop(message: Message) -> None:
        pass

    async with server.running():
        await checked(server, Admission())(scope, receive, drop)
    assert received == ["http.request", "http.disconnect"]


async def called(http: httpx.AsyncClient) -> dict[str, Any]:
    """The error of a call, in `extensions`; empty if there is none."""
    arguments = {"name": "find_courses", "arguments": {"words": "SQL", "first": 50}}
    answer = await send(http, message("tools/call", params=arguments))
    payload = json.loads(answer.json()["result"]["content"][0]["text"])
    found: dict[str, Any] = payload["errors"][0]["extensions"] if "errors" in payload else {}
    return found


async def test_after_the_seconds_to_wait_a_call_can_pay_for_its_message_too(
    tools: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(start(mcp=True, budgets=Settings(budgets="public=40:200").budgets)) as http:
        async with asyncio.timeout(30):
            while not (refused := await called(http)):
                pass
        assert refused["code"] == "RATE_LIMITED"
        await asyncio.sleep(refused["retryAfter"])
        assert await called(http) == {}


async def test_a_call_whose_message_leaves_too_few_points_is_refused_for_good(
    tools: Database, start: Start
) -> None:
    async with client(start(mcp=True)) as http:
        cost = await http.post(
            "/graphql",
            json={"id": "1", "variables": {"words": "SQL", "first": 50}},
            headers={"x-lectern-cost": "1"},
        )
    needed = cost.json()["extensions"]["cost"]["requested"] + PRICE
    for size, code in ((needed, None), (needed - 1, "OPERATION_TOO_LARGE")):
        await tools["budgets"].delete_many({})
        budgets = Settings(budgets=f"public=1:{size}").budgets
        async with client(start(mcp=True, budgets=budgets)) as http:
            assert (await called(http)).get("code") == code


async def test_a_call_with_a_budget_for_messages_alone_is_refused_for_good(
    tools: Database, start: Start
) -> None:
    async with client(start(mcp=True, budgets=Settings(budgets=f"public=1:{PRICE}").budgets)) as http:
        refused = await called(http)
    assert refused["code"] == "OPERATION_TOO_LARGE"
