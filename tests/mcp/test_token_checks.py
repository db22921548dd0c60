"""The token of a message is verified with MongoDB's help, which may not come."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.auth import Authentication
from app.http import AllowedOrigins
from app.mcp import MessageChecks
from app.observing import Instrumentation
from app.protection import Admission
from resolvers.context import Viewer
from tests.app import issuers
from tests.app.issuers import RSA
from tests.loaders.mongod import Mongod, own_mongod
from tests.mcp.test_messages import HEADERS, message, nothing
from tests.support import TOKENS

__all__ = ["own_mongod"]


@pytest.fixture
def issuer() -> Iterator[issuers.Server]:
    server = issuers.Server()
    yield server
    server.stop()


async def refusal(http: httpx.AsyncClient, **headers: str) -> tuple[int, int, dict[str, Any]]:
    """The status, the code of JSON-RPC and the data of a refused message."""
    answer = await http.post("/mcp", content=message("ping"), headers=HEADERS | headers)
    assert answer.headers.get("retry-after") in {None, "5"}
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["data"]


async def test_while_mongodb_does_not_answer_a_message_is_refused_in_time(
    own_mongod: Mongod, issuer: issuers.Server
) -> None:
    settings = own_mongod.settings(request_timeout=1.0)
    bearers = [f"Bearer {RSA.token(sub=name)}" for name in ("new", "newer")]
    async with issuers.http(settings, issuer.url, mcp=True) as http:
        with own_mongod.blocking("find", "update", "findAndModify", seconds=30):
            found = await refusal(http, authorization=bearers[0])
            assert found == (503, -32000, {"code": "TIMEOUT", "retryAfter": 5})
        with own_mongod.failing(failCommands=["find", "update", "ping"], closeConnection=True):
            found = await refusal(http, authorization=bearers[1])
            assert found[0] == 503
            assert found[2]["code"] in {"SERVICE_UNAVAILABLE", "TIMEOUT"}


class Broken(Authentication):
    async def viewer(self, *_: Any) -> Viewer:
        raise KeyError("secret")


async def test_a_bug_is_masked_with_an_id() -> None:
    broken = Broken(TOKENS, None, lambda: None)  # type: ignore[arg-type, return-value]
    parts = Admission(), Instrumentation(), AllowedOrigins(()), 1_000_000, 10, None
    transport = httpx.ASGITransport(MessageChecks(nothing, broken, *parts))
    with capture_logs() as log:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            status, code, data = await refusal(http)
    assert (status, code, data["code"]) == (500, -32000, "INTERNAL_SERVER_ERROR")
    assert data["errorId"] in {line.get("error_id") for line in log}
