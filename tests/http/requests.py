"""Helpers that send requests."""

import ssl
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx

#: `serve(setting=value, …)`: the URL of a gateway with these settings.
Serve: TypeAlias = Callable[..., str]

QUERY = "{ __typename }"
BODY = b'{"query": "{ __typename }"}'
ANSWER = {"data": {"__typename": "Query"}}

#: For clients that send one request: httpx would load the certificates for each of them, which takes 30 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str) -> httpx.AsyncClient:
    """A client of a gateway."""
    return httpx.AsyncClient(base_url=url, verify=NO_TLS, timeout=60)


async def post(
    http: httpx.AsyncClient, body: Any, *lines: tuple[str, str], content_type: str = "application/json"
) -> httpx.Response:
    """lines: header fields; a name may occur several times."""
    return await http.post("/graphql", content=body, headers=[("content-type", content_type), *lines])


def error(answer: httpx.Response) -> tuple[int, str, str]:
    """The status, code and message of a refusal."""
    (told,) = answer.json()["errors"]
    return answer.status_code, told["extensions"]["code"], told["message"]
