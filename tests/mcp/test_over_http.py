"""Tools over HTTP, with the client of the protocol's SDK."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from starlette.requests import Request

from app.mcp import Tool, Tools, tool_call
from app.observing import Listener, Record
from app.settings import Settings
from loaders.mongo import Database
from loaders.persisted import StoredTool, ToolConflictError, VersionKey
from resolvers.context import Viewer
from resolvers.schema import schema
from tests import factories
from tests.factories import store
from tests.http.requests import client
from tests.persisted.conftest import WEB, Start, start, trust
from tests.support import TOKENS

__all__ = ["start"]

TEXTS = {
    "1": "query FindCourses($words: String!, $first: Int = 2)"
    " { courses(first: $first, filter: {search: $words}) { nodes { title } } }",
    "2": "query Me { viewer { roles } }",
    "3": "mutation SignOut { signOut(input: {}) { errors { code } } }",
    "4": "query Untold { __typename }",
}
TOOLS = [
    StoredTool("find_courses", "1", "Finds courses.", {"words": "The words."}),
    StoredTool("me", "2", "Who am I?", {}),
    StoredTool("sign_out", "3", "Ends the session.", {}),
]
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
JSON = {"accept": "application/json, text/event-stream"}
#: The way in which clients speak before and since the protocol's version of July 2026.
MODES = ("legacy", "auto")


class Records(Listener):
    def __init__(self) -> None:
        self.records: list[Record] = []

    def request_ended(self, record: Record) -> None:
        self.records.append(record)


@pytest.fixture
async def tools(database: Database) -> Database:
    """A database with trusted operations, three of which are tools."""
    await store(database, courses=[factories.course("Course of SQL"), factories.course("Course of Python")])
    await trust(database, TEXTS, tools=TOOLS)
    return database


@asynccontextmanager
async def connected(url: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        create_mcp_http_client(headers=lines) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as assistant,
    ):
        yield assistant


def response(result: CallToolResult) -> Any:
    """The GraphQL response that a tool has returned."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return json.loads(content.text)


def bearer(viewer: Viewer) -> str:
    return f"Bearer {TOKENS.access(viewer).text}"


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_listed_with_their_arguments(tools: Database, start: Start, mode: str) -> None:
    async with connected(start(mcp=True), mode) as assistant:
        listed = {tool.name: tool for tool in (await assistant.list_tools()).tools}
    assert list(listed) == ["find_courses", "me", "sign_out"]
    assert listed["find_courses"].description == "Finds courses."
    assert listed["find_courses"].input_schema == {
        "type": "object",
        "properties": {
            "words": {"type": "string", "description": "The words."},
            "first": {
                "type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1, "default": 2,
            },
        },
        "additionalProperties": False,
        "required": ["words"],
    }  # fmt: skip
    hints = {name: tool.annotations and tool.annotations.read_only_hint for name, tool in listed.items()}
    assert hints == {"find_courses": True, "me": True, "sign_out": False}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("operations", ["any", "trusted"])
async def test_a_call_returns_the_response(tools: Database, start: Start, mode: str, operations: str) -> None:
    async with connected(start(mcp=True, operations=operations), mode) as assistant:
        result = await assistant.call_tool("find_courses", {"words": "SQL"})
    expected = {"data": {"courses": {"nodes": [{"title": "Course of SQL"}]}}}
    assert (result.is_error, response(result)) == (False, expected)
    assert result.structured_content is None


async def test_a_call_is_the_viewers_of_the_token(tools: Database, start: Start) -> None:
    url = start(mcp=True)
    async with connected(url) as assistant:
        assert response(await assistant.call_tool("me")) == {"data": {"viewer": None}}
    staff = Viewer(frozenset(("STAFF",)), subject="1")
    async with connected(url, authorization=bearer(staff)) as assistant:
        found = response(await assistant.call_tool("me"))
    assert found == {"data": {"viewer": {"roles": ["STAFF"]}}}


@pytest.mark.parametrize("mode", MODES)
async def test_concurrent_calls_see_their_own_viewer(tools: Database, start: Start, mode: str) -> None:
    url = start(mcp=True)

    async def roles(role: str) -> object:
        headers = {"authorization": bearer(Viewer(frozenset((role,)), subject="1"))} if role else {}
        async with connected(url, mode, **headers) as assistant:
            seen = [response(await assistant.call_tool("me"))["data"]["viewer"] for _ in range(3)]
        assert seen[0] == seen[1] == seen[2]
        return seen[0] and seen[0]["roles"]

    asked = ["STAFF", "STUDENT", "INSTRUCTOR", ""] * 3
    found = await asyncio.gather(*map(roles, asked))
    assert found == [[role] if role else None for role in asked]


async def test_what_is_no_tool_cannot_be_called(tools: Database, start: Start) -> None:
    async with connected(start(mcp=True)) as assistant:
        for name in ("Untold", "4", "FindCourses", ""):
            with pytest.raises(MCPError, match="There is no tool with this name"):
                await assistant.call_tool(name)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "BAD_USER_INPUT"),
        ({"words": 1}, "BAD_USER_INPUT"),
        ({"words": "a", "first": 10_000}, "BAD_USER_INPUT"),
        ({"words": "a", "query": "{ __schema { types { name } } }"}, "no argument `query`"),
        ({"w" * 100_000: 1}, "no argument `www"),
        ({"words": json.loads("[" * 253 + "]" * 253)}, "nested too deeply"),
    ],
)
async def test_wrong_arguments_are_an_error_that_says_why(
    tools: Database, start: Start, arguments: dict[str, Any], code: str
) -> None:
    async with connected(start(mcp=True)) as assistant:
        result = await assistant.call_tool("find_courses", arguments)
    assert result.is_error
    assert code in result.content[0].text  # type: ignore[union-attr]
    assert len(result.content[0].text) < 1_000  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("9" * 30, "an integer of more than 64 bits"),
        ("[" * 300 + "]" * 300, "recursion limit exceeded"),
        ('"\\ud800"', "no low surrogate"),
    ],
)
async def test_an_argument_that_cannot_be_passed_on_is_an_error_that_says_why(
    tools: Database, start: Start, value: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = (
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",'
        f' "params": {{"name": "find_courses", "arguments": {{"words": {value}}}}}}}'
    )
    async with client(start(mcp=True)) as http:
        headers = JSON | {"content-type": "application/json"}
        answer = await http.post("/mcp", content=message, headers=headers)
    assert told in answer.text
    assert "Traceback" not in caplog.text


async def test_a_tool_past_its_budget_says_when_to_try_again(tools: Database, start: Start) -> None:
    budgets = Settings(budgets="public=1:300").budgets
    async with connected(start(mcp=True, budgets=budgets)) as assistant, asyncio.timeout(30):
        result = await assistant.call_tool("find_courses", {"words": "SQL"})
        assert not result.is_error
        while not result.is_error:
            result = await assistant.call_tool("find_courses", {"words": "SQL"})
    (error,) = response(result)["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["extensions"]["retryAfter"] >= 1


async def test_calls_are_logged_as_requests_of_the_client(tools: Database, start: Start) -> None:
    own = Records()
    url = start(own, mcp=True)
    async with connected(url, x_request_id="r-1") as assistant:
        await assistant.call_tool("me")
    async with connected(url, apollographql_client_name="desk") as assistant:
        await assistant.call_tool("me")
    first, second = own.records
    assert (first.name, first.id, first.client.name, first.way) == ("Me", "r-1", "mcp", "trusted")
    assert (second.client.name, second.address) == ("desk", "127.0.0.1")


async def test_a_gateway_learns_of_new_tools(tools: Database, start: Start) -> None:
    url = start(mcp=True)
    await trust(tools, {}, VersionKey("web", "2"))
    await trust(tools, TEXTS, VersionKey("web", "3"), tools=[StoredTool("whoami", "2", "Who?", {})])
    async with connected(url) as assistant, asyncio.timeout(10):
        while True:
            listed = [tool.name for tool in (await assistant.list_tools(cache_mode="bypass")).tools]
            if listed == ["whoami"]:
                return
            await asyncio.sleep(0.02)


async def test_two_clients_cannot_have_tools_of_one_name(tools: Database) -> None:
    with pytest.raises(ToolConflictError) as refused:
        await trust(tools, TEXTS, VersionKey("desk", "1"), tools=TOOLS[1:2])
    assert (refused.value.name, refused.value.users) == ("me", [WEB])


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("DELETE", {}, 405),
        ("POST", {"origin": "https://evil.example"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("POST", {"authorization": "Bearer nonsense"}, 401),
        ("POST", {"origin": "https://app.example"}, 200),
        ("POST", {}, 200),
    ],
)
async def test_a_message_is_checked_first(
    tools: Database, start: Start, method: str, headers: dict[str, str], status: int
) -> None:
    async with client(start(mcp=True, cors_origins=("https://app.example",))) as http:
        body = PING if method == "POST" else None
        answer = await http.request(method, "/mcp", headers=JSON | headers, json=body)
    assert answer.status_code == status, answer.text
    if status == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert answer.headers["cache-control"] == "no-store"


async def test_a_message_can_be_as_large_as_another_body(tools: Database, start: Start) -> None:
    async with client(start(mcp=True, max_body_bytes=1_000)) as http:
        for size, status in ((1_000, 200), (1_001, 413)):
            message = json.dumps(PING).ljust(size)
            headers = JSON | {"content-type": "application/json"}
            answer = await http.post("/mcp", content=message, headers=headers)
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize("body", ["", "[", "1", "[]", "{}", '{"jsonrpc": "2.0", "id": 1, "method": "nope"}'])
async def test_nonsense_is_refused_without_a_trace(tools: Database, start: Start, body: str) -> None:
    async with client(start(mcp=True)) as http:
        headers = JSON | {"content-type": "application/json"}
        answer = await http.post("/mcp", content=body, headers=headers)
    assert answer.status_code in {200, 400, 404}
    assert "Traceback" not in answer.text
    assert "error" in answer.json()


async def test_there_are_no_tools_unless_they_are_turned_on(tools: Database, start: Start) -> None:
    async with client(start()) as http:
        answer: httpx.Response = await http.post("/mcp", json=PING, headers=JSON)
    assert answer.status_code == 404


async def test_a_response_may_have_so_many_bytes(
    tools: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected(start(mcp=True)) as assistant:
        (content,) = (await assistant.call_tool("find_courses", {"words": "SQL"})).content
        assert isinstance(content, TextContent)
        monkeypatch.setattr(tool_call, "LARGEST", len(content.text))
        assert not (await assistant.call_tool("find_courses", {"words": "SQL"})).is_error
        monkeypatch.setattr(tool_call, "LARGEST", len(content.text) - 1)
        result = await assistant.call_tool("find_courses", {"words": "SQL"})
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert (result.is_error, content.text) == (
        True,
        "The response is larger than 100,000 bytes, the most that a tool returns. Call the tool again with a "
        "smaller `first`.",
    )


async def test_a_tool_without_pages_says_what_to_do_about_a_large_response(
    tools: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_call, "LARGEST", 10)
    async with connected(start(mcp=True)) as assistant:
        contents = [(await assistant.call_tool(name)).content[0] for name in ("me", "sign_out")]
    advice = "Its operation must request smaller pages or fewer fields."
    for content, end in zip(contents, ("", " Changes that it has made are not undone."), strict=True):
        assert isinstance(content, TextContent)
        assert content.text.endswith(f"the most that a tool returns. {advice}{end}")


async def test_a_large_response_is_neither_kept_nor_joined() -> None:
    call = tool_call.ToolCall(cast("Request", None), "mcp")
    for _ in range(10):
        await call._send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
    assert (call.is_too_large, len(call.body)) == (False, 100_000)
    for _ in range(900):
        await call._send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
        assert (call.is_too_large, call.body) == (True, b"")


async def test_a_response_is_sent_once(tools: Database, start: Start) -> None:
    """Not as structured content too."""
    await store(tools, courses=[factories.course("Q" * 60) for _ in range(50)])
    call = {"name": "find_courses", "arguments": {"words": "Q" * 60, "first": 50}}
    async with client(start(mcp=True)) as http:
        answer = await http.post("/mcp", json=PING | {"method": "tools/call", "params": call}, headers=JSON)
    assert answer.text.count("Q" * 60) == 50
    assert answer.json()["result"]["isError"] is False


async def test_a_result_is_an_error_if_there_is_no_data(tools: Database, start: Start) -> None:
    texts = TEXTS | {
        "5": "query Half { course { title } __typename }",
        "6": "query None { courses(first: 1, last: 1) { nodes { title } } }",
    }
    own = [StoredTool(name, id_, "What is wrong?", {}) for name, id_ in (("half", "5"), ("none", "6"))]
    await trust(tools, texts, VersionKey("web", "2"), tools=own)
    async with connected(start(mcp=True)) as assistant:
        results = [await assistant.call_tool(name) for name in ("half", "none")]
    assert [one.is_error for one in results] == [False, True]
    assert [len(response(one)["errors"]) for one in results] == [1, 1]
    assert [response(one)["data"] for one in results] == [{"course": None, "__typename": "Query"}, None]


@pytest.mark.parametrize("text", ["query {", "fragment F on Query { __typename }", "{ a " * 5_000])
async def test_a_tool_whose_text_was_broken_by_hand_leaves_the_others(
    tools: Database, start: Start, text: str
) -> None:
    await tools["trustedOperations"].update_one({"_id": "2"}, {"$set": {"text": text}})
    async with connected(start(mcp=True)) as assistant:
        listed = [tool.name for tool in (await assistant.list_tools()).tools]
        assert listed == ["find_courses", "sign_out"]
        found = response(await assistant.call_tool("find_courses", {"words": "SQL"}))
    assert found["data"]["courses"]["nodes"] == [{"title": "Course of SQL"}]


def test_another_push_makes_no_tool_again() -> None:
    trusted = SimpleNamespace(tools=list(TOOLS), text_of=TEXTS.get)
    made = Tools(schema, trusted)
    before = made.by_name()
    trusted.tools = list(TOOLS)
    assert made.by_name() is before
    trusted.tools = [TOOLS[0], TOOLS[1]._replace(description="Me.")]
    after = made.by_name()
    assert list(after) == ["find_courses", "me"]
    assert after["find_courses"] is before["find_courses"]
    assert after["me"].description == "Me."


def test_a_call_has_the_headers_that_matter_to_its_operation() -> None:
    passed = ["accept-language", "authorization", "user-agent", "x-lectern-client-key", "x-request-id"]
    sent = [(name.encode(), b"own") for name in [*passed, "accept", "cookie", "x-lectern-cost"]]
    request = cast("Request", SimpleNamespace(scope={"headers": sent}))
    tool = Tool("me", "Who am I?", "2", is_query=True, input_schema={})
    scope, *_ = tool_call.ToolCall(request, "mcp").exchange(tool, {})
    assert [name.decode() for name, value in scope["headers"] if value == b"own"] == passed
