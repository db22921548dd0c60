"""Declarations of Relay's types: objects with a global ID, and the pages of lists."""

from typing import Generic, TypeVar

import strawberry

from loaders.model import Document
from resolvers import fields, relay
from resolvers.schema import weights

T = TypeVar("T")


@strawberry.interface(description="An object with a global ID.")
class Node:
    id: strawberry.ID = fields.plain(
        "Global ID of the object. It is opaque, permanent, and unique across all types."
    )

    @classmethod
    def resolve_type(cls, value: Document, *_: object) -> str:
        return str(value["__typename"])

    @classmethod
    def is_type_of(cls, *_: object) -> bool:
        return True


@strawberry.type(description="Information about a page of a list, for fetching the previous and next pages.")
class PageInfo:
    has_next_page: bool = fields.computed(
        relay.has_next_page,
        description="When paging forwards: whether there are more elements after this page (up to the cursor"
        " `before`, if it was given). When paging backwards (with `last`): whether `before` was given.",
    )
    has_previous_page: bool = fields.computed(
        relay.has_previous_page,
        description="When paging backwards (with `last`): whether there are more elements before this page"
        " (back to the cursor `after`, if it was given). When paging forwards: whether `after` was given.",
    )
    start_cursor: str | None = fields.computed(
        relay.start_cursor,
        weight=weights.SIGNED,
        description="Cursor of the first element of the page; null if the page is empty.",
    )
    end_cursor: str | None = fields.computed(
        relay.end_cursor,
        weight=weights.SIGNED,
        description="Cursor of the last element of the page; null if the page is empty.",
    )


@strawberry.type(description="An element of a list, together with its cursor.")
class Edge(Generic[T]):
    node: T = fields.computed(relay.edge_node, description="The element.")
    cursor: str = fields.computed(
        relay.cursor,
        weight=weights.SIGNED,
        description="Opaque cursor that marks the position of the element. Use it only as `after` or `before`"
        " of the same list: the same field of the same parent, with the same filter and order.",
    )


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = fields.computed(
        relay.edges, description="Elements on the page, with their cursors."
    )
    nodes: list[T] = fields.plain("Elements on the page, without cursors.")
    page_info: PageInfo = fields.computed(
        relay.page_info, description="Information about the page, for fetching the previous and next pages."
    )
    total_count: int = fields.level(
        relay.total_count,
        weight=weights.COUNT,
        description="Total number of elements on all pages of the filtered list. The elements are counted"
        " only if this field is selected.",
    )
