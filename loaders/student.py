"""Students: the list of all by name, wishlists, and their writes."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import StudentDoc, WishDoc, WishlistDoc
from loaders.mongo import Database, Filter, Transaction, find_one
from loaders.reading import Listing, Order
from loaders.text import search_filter


def listing(
    database: Database, *, search: str | None = None, countries: Sequence[str] | None = None
) -> Listing:
    """The students whose names match a search and who are in one of some countries; None: any."""
    parts: dict[str, Filter] = {}
    if search:
        parts["search"] = search_filter(search)
    if countries is not None:
        parts["countries"] = {"country": {"$in": list(countries)}}
    return Listing(database["students"], parts, Order("sortName", descending=False))


async def wishes(database: Database, student_id: ObjectId) -> list[WishDoc]:
    """The wishlist of a student, in the order in which it was made."""
    found = await find_one(database["wishlists"], {"_id": student_id})
    return found["courses"] if found else []


async def insert(tx: Transaction, fields: Mapping[str, Any]) -> StudentDoc:
    student: Any = await tx.insert("students", complete("students", fields))
    return student  # type: ignore[no-any-return]


async def change(tx: Transaction, student: StudentDoc, **fields: Any) -> StudentDoc:
    """A student with other fields, and what is derived from them."""
    if fields.keys() & COLLECTIONS["students"].derived_from:
        fields |= derived("students", {**student, **fields})
    changed: Any = await tx.patch("students", dict(student), **fields)
    return changed  # type: ignore[no-any-return]


async def wishlist(tx: Transaction, student_id: ObjectId) -> WishlistDoc:
    """The wishlist of a student, empty where there is none yet."""
    found: WishlistDoc | None = await tx.get("wishlists", student_id)
    return found or {"_id": student_id, "courses": []}


async def add_to_wishlist(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> None:
    """Adds a course, which is not there yet."""
    own = await wishlist(tx, student_id)
    courses = [*own["courses"], {"courseId": course_id, "addedAt": tx.now}]
    if own["courses"] or await tx.get("wishlists", student_id):
        await tx.patch("wishlists", dict(own), courses=courses)
    else:
        await tx.insert("wishlists", {"_id": student_id, "courses": courses})


async def remove_from_wishlist(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> None:
    """Removes a course, where it is there."""
    own = await wishlist(tx, student_id)
    courses = [wish for wish in own["courses"] if wish["courseId"] != course_id]
    await tx.patch("wishlists", dict(own), courses=courses)
