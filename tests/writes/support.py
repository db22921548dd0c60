"""A client that runs mutations over HTTP as different viewers, and the documents to run them on."""

from asyncio import Event, gather
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from unittest.mock import patch

import httpx
from graphql import GraphQLObjectType, GraphQLOutputType, get_named_type, is_leaf_type

from app.execution import Answer, Executor, Prepared, Refusal
from app.main import create_app
from app.observing import Listener
from app.request import Request
from app.settings import Settings
from loaders.mongo.database import Database
from loaders.mongo.transactions import Transaction, transaction
from loaders.recounting import recount
from resolvers.context import PUBLIC, Viewer
from resolvers.relay import ids
from resolvers.schema import schema
from tests import factories
from tests.execution.metered import actual_cost
from tests.factories import store
from tests.support import TOKENS

#: A part of a decoded response, whose shape each test knows.
Json: TypeAlias = Any
#: A value of a document, an input or an argument.
Value: TypeAlias = Any

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")

#: The start of upcoming runs.
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
DAY = timedelta(days=1)

_FIELDS = schema.mutation_type.fields  # type: ignore[union-attr] # the schema has mutations
#: What is selected of an object of a payload; of any other object, all plain values.
_SELECTED = {
    "course": "course { id slug title status rating { count average } studentCount }",
    "review": "review { id rating title body status verified helpfulCount }",
    "student": "student { id name country bio avatarUrl }",
    "viewer": "viewer { wishlist { nodes { id } } }",
}
_ALWAYS = "errors { code message path } clientMutationId"

Doc = dict[str, Any]  # a document, as BSON holds it


@dataclass(frozen=True)
class Gateway:
    """A client of a gateway, over HTTP."""

    http: httpx.AsyncClient

    async def post(
        self, query: str, variables: Mapping[str, Value] | None = None, viewer: Viewer = PUBLIC
    ) -> Json:
        """Runs an operation and returns the whole response."""
        headers = {"authorization": f"Bearer {TOKENS.access(viewer).text}"} if viewer != PUBLIC else {}
        body = {"query": query, "variables": variables or {}}
        return (await self.http.post("/graphql", json=body, headers=headers)).json()

    async def ask(
        self, query: str, variables: Mapping[str, Value] | None = None, viewer: Viewer = PUBLIC
    ) -> Json:
        """Runs an operation that must have no errors, and returns its data."""
        answer = await self.post(query, variables, viewer)
        assert "errors" not in answer, answer
        return answer["data"]

    async def write(self, viewer: Viewer, name: str, selected: str = "", /, **input: Value) -> Json:
        """Runs a mutation and returns its payload. selected: replaces the default selection of objects."""
        data = await self.ask(operation(name, selected), {"input": input}, viewer)
        return data[name]

    async def done(self, viewer: Viewer, name: str, selected: str = "", /, **input: Value) -> Json:
        """Runs a mutation that must succeed, and returns its payload."""
        payload = await self.write(viewer, name, selected, **input)
        assert payload["errors"] == [], payload
        return payload

    async def codes(self, viewer: Viewer, name: str, /, **input: Value) -> list[tuple[str, ...]]:
        """Runs a mutation and returns its errors, each as its code and its path within the input.

        If there are errors, all objects of the payload must be null.
        """
        payload = await self.write(viewer, name, **input)
        assert all(error["path"][0] == "input" and error["message"] for error in payload["errors"])
        objects = payload.keys() - {"errors", "clientMutationId"}
        assert not payload["errors"] or {payload[name] for name in objects} == {None}
        return [(error["code"], *error["path"][1:]) for error in payload["errors"]]


def operation(name: str, selected: str = "", selections: Mapping[str, str] = _SELECTED) -> str:
    """Returns an operation with one mutation, whose input is a variable.

    selected: what is selected of the payload besides its errors; by default the selection of each object.
    """
    field = _FIELDS[name]
    objects = selected or " ".join(
        selections.get(key) or _plain_values(key, member.type)
        for key, member in field.type.of_type.fields.items()
        if key not in {"errors", "clientMutationId"}
    )
    return (
        f"mutation($input: {field.args['input'].type}) {{ {name}(input: $input) {{ {objects} {_ALWAYS} }} }}"
    )


def _plain_values(name: str, type_: GraphQLOutputType) -> str:
    object_type = get_named_type(type_)
    if not isinstance(object_type, GraphQLObjectType):
        return name
    leaves = [key for key, field in object_type.fields.items() if is_leaf_type(get_named_type(field.type))]
    return f"{name} {{ {' '.join(leaves)} }}"


class LateWrites(Listener):
    """The outcomes of work that outlived its request: its kind, and its error or None."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, BaseException | None]] = []

    def late_write(self, kind: str, error: BaseException | None) -> None:
        self.outcomes.append((kind, error))


class PricedExecutor(Executor):
    """An executor whose operations may not take more than their prices."""

    async def run(self, prepared: Prepared, request: Request) -> Answer | Refusal:
        answer = await super().run(prepared, request)
        if isinstance(answer, Answer) and request.scope:
            actual = actual_cost(prepared, answer, request.scope)
            assert all(spent <= most for spent, most in zip(actual, prepared.cost, strict=True)), (
                actual,
                prepared.cost,
                prepared.operation,
            )
        return answer


@asynccontextmanager
async def served(settings: Settings, *listeners: Listener) -> AsyncIterator[Gateway]:
    """Serves a gateway in this process."""
    with patch("app.main.Executor", PricedExecutor):
        app = create_app(settings, *listeners)
    transport = httpx.ASGITransport(app, client=("198.51.100.7", 1))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://lectern", timeout=60) as http,
    ):
        yield Gateway(http)


def as_student(student: Doc) -> Viewer:
    return Viewer(
        roles=frozenset({"STUDENT"}), student_id=student["_id"], subject=f"account of {student['_id']}"
    )


def as_instructor(instructor: Doc) -> Viewer:
    return Viewer(
        roles=frozenset({"INSTRUCTOR"}),
        instructor_id=instructor["_id"],
        subject=f"account of {instructor['_id']}",
    )


def account_id(account: Doc) -> str:
    return ids.encode_id("Account", account)


def course_id(course: Doc) -> str:
    return ids.encode_id("Course", course)


def run_id(run: Doc) -> str:
    return ids.encode_id("CourseRun", run)


def enrollment_id(enrollment: Doc) -> str:
    return ids.encode_id("Enrollment", enrollment)


def review_id(review: Doc) -> str:
    return ids.encode_id("Review", review)


def run_of(course: Doc, **fields: Value) -> Doc:
    """Makes an upcoming run."""
    return factories.course_run(course, **{"startsAt": SOON, **fields})


def review_of(course: Doc, by: Doc, **fields: Value) -> Doc:
    """Makes a review that was written in Lectern, not imported."""
    review = factories.review(course, by, **{"verified": True, **fields})
    del review["externalId"]
    return review


async def stored(database: Database, **collections: list[Doc]) -> None:
    """Stores documents and the aggregates that follow from them."""
    await store(database, **{name: documents for name, documents in collections.items() if documents})
    [_ async for _ in recount(database, fix=True)]
    assert [difference async for difference in recount(database, fix=False)] == []


async def current(database: Database, collection: str, document: Doc) -> Doc:
    """Returns a document as it is stored now."""
    found = await database[collection].find_one({"_id": document["_id"]})
    assert found is not None
    return found


async def at_once(database: Database, *works: Callable[[Transaction], Awaitable[Value]]) -> None:
    """Runs transactions that have all begun before any of them writes: each sees the state before."""
    begun = [Event() for _ in works]

    async def run(begins: Event, work: Callable[[Transaction], Awaitable[Value]]) -> None:
        async def together(tx: Transaction) -> None:
            await tx.find_one("courses", {})  # this fixes the snapshot that it reads
            begins.set()
            await gather(*(event.wait() for event in begun))
            await work(tx)

        await transaction(database, together)

    await gather(*(run(event, work) for event, work in zip(begun, works, strict=True)))
