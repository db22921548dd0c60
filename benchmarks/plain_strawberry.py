"""The baseline for Lectern: the same catalogue, served with Strawberry as its documentation shows it.

python -m benchmarks.plain_strawberry PORT

It has typed classes with resolvers, a DataLoader for each kind of key in the context of each request, caches
for parsing and validation, Motor, and uvicorn with uvloop and httptools. It queries MongoDB as Lectern does,
with one command for the lists of many parents, and doesn't fetch the words that only Lectern's search reads.
So only the work in Python differs. It serves the part of Lectern's schema that the benchmarks need.
"""

import os
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypedDict, TypeVar

import strawberry
import uvicorn
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from resolvers.values import SCALARS

Document: TypeAlias = Mapping[str, Any]  # a stored document: the field decides on a value's type
Row: TypeAlias = dict[str, Any]  # a document, filter or stage: nested without limit
T = TypeVar("T")

_WITHOUT_SEARCH = {"search": 0}
_PUBLISHED = {"status": "PUBLISHED"}


# -- database -------------------------------------------------------------------------------------------


class PageKey(NamedTuple):
    """A DataLoader key: the first page of a parent's list."""

    parent: ObjectId
    size: int


class Database:
    def __init__(self, uri: str) -> None:
        self.client: AsyncIOMotorClient[Row] = AsyncIOMotorClient(uri, tz_aware=True)
        self._database = self.client["lectern"]

    async def course(self, slug: str) -> Document | None:
        found: Document | None = await self._database["courses"].find_one(
            {"slug": slug, **_PUBLISHED}, _WITHOUT_SEARCH
        )
        return found

    async def courses(self, size: int, after: str | None, categories: list[str] | None) -> list[Document]:
        """At most `size` courses, best rated first."""
        query: Row = dict(_PUBLISHED)
        if categories is not None:
            query["categorySlug"] = {"$in": categories}
        if after is not None:
            query["$or"] = _following(after)
        order = [("ratingBayesian", -1), ("_id", 1)]
        cursor = self._database["courses"].find(
            query, _WITHOUT_SEARCH, sort=order, limit=size, batch_size=size + 1
        )
        return list(await cursor.to_list(None))

    async def by_id(self, collection: str, keys: list[ObjectId]) -> list[Document | None]:
        cursor = self._database[collection].find(
            {"_id": {"$in": keys}}, _WITHOUT_SEARCH, batch_size=len(keys) + 1
        )
        found = {document["_id"]: document for document in await cursor.to_list(None)}
        return [found.get(key) for key in keys]

    async def reviews(self, parent: str, keys: list[PageKey]) -> list[list[Document]]:
        """The newest reviews of each parent, in the order of the keys."""
        found: dict[PageKey, list[Document]] = {}
        for size in {key.size for key in keys}:
            parents = [key.parent for key in keys if key.size == size]
            rows = await self._newest(parent, parents, size)
            found |= {PageKey(row["_id"], size): row["rows"] for row in rows}
        return [found[key] for key in keys]

    async def _newest(self, parent: str, parents: list[ObjectId], size: int) -> list[Document]:
        newest = [
            {"$match": _PUBLISHED},
            {"$sort": {"createdAt": -1, "_id": 1}},
            {"$limit": size},
        ]
        join = {"from": "reviews", "localField": "_id", "foreignField": parent, "as": "rows"}
        stages: list[Row] = [
            {"$documents": [{"_id": parent} for parent in parents]},
            {"$lookup": {**join, "pipeline": newest}},
        ]
        cursor = self._database.aggregate(stages, batchSize=len(parents) + 1)
        return list(await cursor.to_list(None))


@dataclass
class Loaders:
    database: Database

    def __post_init__(self) -> None:
        database = self.database
        self.course: DataLoader[ObjectId, Document | None] = DataLoader(partial(database.by_id, "courses"))
        self.student: DataLoader[ObjectId, Document | None] = DataLoader(partial(database.by_id, "students"))
        self.reviews_by_course: DataLoader[PageKey, list[Document]] = DataLoader(
            partial(database.reviews, "courseId")
        )
        self.reviews_by_student: DataLoader[PageKey, list[Document]] = DataLoader(
            partial(database.reviews, "studentId")
        )


class Context(TypedDict):
    loaders: Loaders


Info = strawberry.Info[Context, None]


# -- IDs and cursors ------------------------------------------------------------------------------------


def _global_id(kind: bytes, document: Document) -> strawberry.ID:
    return strawberry.ID(urlsafe_b64encode(kind + document["_id"].binary).decode())


def _cursor(course: Document) -> str:
    return urlsafe_b64encode(f"{course['ratingBayesian']} {course['_id']}".encode()).decode()


def _following(cursor: str) -> list[Row]:
    rating, key = urlsafe_b64decode(cursor).decode().split()
    value = float(rating)
    return [{"ratingBayesian": {"$lt": value}}, {"ratingBayesian": value, "_id": {"$gt": ObjectId(key)}}]


# -- schema ---------------------------------------------------------------------------------------------


@strawberry.enum
class Level(Enum):
    BEGINNER = "BEGINNER"
    INTERMEDIATE = "INTERMEDIATE"
    ADVANCED = "ADVANCED"
    ALL_LEVELS = "ALL_LEVELS"


@strawberry.enum
class DeliveryMode(Enum):
    ONLINE = "ONLINE"
    ONSITE = "ONSITE"


@strawberry.enum
class CourseStatus(Enum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    ARCHIVED = "ARCHIVED"


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo

    @classmethod
    def of(cls, nodes: Sequence[T], cursors: Sequence[str], *, more: bool) -> "Connection[T]":
        edges = [Edge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)]
        end = cursors[-1] if cursors else None
        return cls(edges=edges, nodes=list(nodes), page_info=PageInfo(has_next_page=more, end_cursor=end))


@strawberry.type
class ReviewConnection:
    nodes: list["Review"]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> "ReviewConnection":
        return cls(nodes=[Review.of(document) for document in documents])


@strawberry.type
class Money:
    amount_minor: int
    currency: str


@strawberry.type
class RatingSummary:
    average: float | None
    count: int


@strawberry.type
class Course:
    key: strawberry.Private[ObjectId]
    id: strawberry.ID
    slug: str
    title: str
    level: Level | None
    delivery_modes: list[DeliveryMode]
    duration_days: int | None
    price: Money | None
    status: CourseStatus
    rating: RatingSummary
    created_at: datetime
    updated_at: datetime
    summary: str | None
    student_count: int

    @strawberry.field
    async def reviews(self, info: Info, first: int = 20) -> ReviewConnection:
        loader = info.context["loaders"].reviews_by_course
        return ReviewConnection.of(await loader.load(PageKey(self.key, first)))

    @classmethod
    def of(cls, document: Document) -> "Course":
        price, level = document["price"], document["level"]
        return cls(
            key=document["_id"],
            id=_global_id(b"crs", document),
            slug=document["slug"],
            title=document["title"],
            level=Level(level) if level else None,
            delivery_modes=[DeliveryMode(mode) for mode in document["deliveryModes"]],
            duration_days=document["durationDays"],
            price=Money(amount_minor=price["amountMinor"], currency=price["currency"]) if price else None,
            status=CourseStatus(document["status"]),
            rating=RatingSummary(average=document["ratingAverage"], count=document["ratingCount"]),
            created_at=document["createdAt"],
            updated_at=document["updatedAt"],
            summary=document["summary"],
            student_count=document["studentCount"],
        )


@strawberry.type
class Student:
    key: strawberry.Private[ObjectId]
    id: strawberry.ID
    name: str
    country: str | None

    @strawberry.field
    async def reviews(self, info: Info, first: int = 20) -> ReviewConnection:
        loader = info.context["loaders"].reviews_by_student
        return ReviewConnection.of(await loader.load(PageKey(self.key, first)))

    @classmethod
    def of(cls, document: Document) -> "Student":
        return cls(
            key=document["_id"],
            id=_global_id(b"stu", document),
            name=document["name"],
            country=document["country"],
        )


@strawberry.type
class Review:
    course_key: strawberry.Private[ObjectId]
    student_key: strawberry.Private[ObjectId | None]
    id: strawberry.ID
    rating: int | None
    title: str | None
    created_at: datetime | None

    @strawberry.field
    async def course(self, info: Info) -> Course:
        document = await info.context["loaders"].course.load(self.course_key)
        if document is None:
            raise LookupError(self.course_key)
        return Course.of(document)

    @strawberry.field
    async def student(self, info: Info) -> Student | None:
        if self.student_key is None:
            return None
        document = await info.context["loaders"].student.load(self.student_key)
        return Student.of(document) if document else None

    @classmethod
    def of(cls, document: Document) -> "Review":
        return cls(
            course_key=document["courseId"],
            student_key=document["studentId"],
            id=_global_id(b"rev", document),
            rating=document["rating"],
            title=document["title"],
            created_at=document["createdAt"],
        )


@strawberry.input
class CourseFilter:
    categories: list[str] | None = None


@strawberry.enum
class CourseOrderField(Enum):
    RATING = "RATING"


@strawberry.enum
class OrderDirection(Enum):
    DESC = "DESC"


@strawberry.input
class CourseOrder:
    """The order of courses. The only one is the default, so no resolver reads it."""

    field: CourseOrderField
    direction: OrderDirection


@strawberry.type
class Query:
    @strawberry.field
    async def course(self, info: Info, slug: str) -> Course | None:
        document = await info.context["loaders"].database.course(slug)
        return Course.of(document) if document else None

    @strawberry.field
    async def courses(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        filter: CourseFilter | None = None,
        order_by: CourseOrder | None = None,
    ) -> Connection[Course]:
        categories = filter.categories if filter else None
        documents = await info.context["loaders"].database.courses(first + 1, after, categories)
        page = documents[:first]
        nodes, cursors = [Course.of(d) for d in page], [_cursor(d) for d in page]
        return Connection.of(nodes, cursors, more=len(documents) > first)


# -- application ----------------------------------------------------------------------------------------


class Endpoint(GraphQL[Context, None]):
    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        return {"loaders": Loaders(request.app.state.database)}


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.database = Database(os.environ["MONGODB_URI"])
    yield
    app.state.database.client.close()


_CONFIG = StrawberryConfig(scalar_map=SCALARS)  # Lectern's date format, so that the answers are equal
schema = strawberry.Schema(query=Query, extensions=[ParserCache, ValidationCache], config=_CONFIG)
app = Starlette(routes=[Route("/graphql", Endpoint(schema))], lifespan=_lifespan)

if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False
    )
