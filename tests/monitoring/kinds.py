"""Requests of all kinds, so that each metric of a gateway has a value."""

import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

import httpx

from resolvers.relay import encode_id
from tests.loaders.mongod import NAME, Mongod
from tests.monitoring.gateway import MonitoredGateway
from tests.support import TOKENS
from tests.writes.support import STAFF

QUERIES = (
    "query Courses { courses(first: 5) { nodes { title tags rating { average } } } }",
    "query Reviews { courses(first: 5) { nodes { reviews(first: 2) { nodes { body student { name } } } } } }",
    "{ categories { name } }",
    "{ __schema { types { name } } }",  # graphql-core runs introspection
    'query Wrong { course(id: "nothing") { title } }',
    "{ unknown }",
    "{ syntax",
)
SIGN_UP = """mutation SignUp($email: String!) {
  signUp(input: { name: "Ada", email: $email, password: "a long password" }) { errors { code } }
}"""
PUBLISH = "mutation($id: ID!) { publishCourse(input: { courseId: $id }) { errors { code } } }"
CLIENTS: tuple[Mapping[str, str], ...] = (
    {},
    {"apollographql-client-name": "web", "apollographql-client-version": "1.4.2"},
)


def ask_all(gateway: MonitoredGateway, mongod: Mongod) -> None:
    """Sends all kinds of requests, most of them often enough for their names to get series of their own."""
    with httpx.Client(base_url=gateway.url, timeout=30) as http:
        for client in CLIENTS:
            for query in QUERIES * 8:
                _ask(http, query, client)
        _ask(http, "{ courses(first: 1000) { nodes { reviews(first: 1000) { nodes { id } } } } }")
        _sign_up(http)
        _fail(http, mongod)
    _send_garbage(gateway.port)


def _sign_up(http: httpx.Client) -> None:
    _ask(http, SIGN_UP, email=f"{uuid4()}@example.org")


def _fail(http: httpx.Client, mongod: Mongod) -> None:
    """Has MongoDB fail: a command, a transaction that is retried, and a commit that outlives its request."""
    with mongod.failing(1, failCommands=["find"], errorCode=96):
        _ask(http, QUERIES[0])
    labels = ["TransientTransactionError"]
    with mongod.failing(1, failCommands=["commitTransaction"], errorCode=112, errorLabels=labels):
        _sign_up(http)
    with mongod.blocking("commitTransaction", seconds=3, times=1):
        _sign_up(http)


def publish(gateway: MonitoredGateway, mongod: Mongod) -> None:
    """Publishes a course, of which webhooks are told."""
    course = mongod.client[NAME]["courses"].find_one_and_update(
        {}, {"$set": {"status": "ARCHIVED", "summary": "S", "deliveryModes": ["ONLINE"], "tags": []}}
    )
    headers = {"authorization": f"Bearer {TOKENS.access(STAFF).text}"}
    with httpx.Client(base_url=gateway.url, timeout=30) as http:
        _ask(http, PUBLISH, headers, id=encode_id("Course", course))


def misshape(mongod: Mongod) -> None:
    """Stores a value of the wrong type in all courses."""
    mongod.client[NAME]["courses"].update_many({}, {"$set": {"tags": "none"}})


def kill_a_worker(gateway: MonitoredGateway) -> None:
    os.kill(gateway.workers[0], signal.SIGKILL)


def _ask(http: httpx.Client, query: str, headers: Mapping[str, str] = {}, **variables: str) -> None:
    http.post("/graphql", json={"query": query, "variables": variables}, headers=dict(headers))


def _send_garbage(port: int) -> None:
    """Sends what is no HTTP, so that it is refused before it reaches the application."""
    with socket.create_connection(("127.0.0.1", port)) as connection, suppress(ConnectionError):
        connection.sendall(b"GARBAGE\r\n\r\n")
        connection.recv(1000)
