"""Reads and writes students and their wishlists."""

from collections.abc import Sequence

from bson import ObjectId

from loaders.collections import COLLECTIONS, complete, derived
from loaders.model import StudentDoc, WishDoc, WishlistDoc
from loaders.mongo import Database, Fields, Filter, Transaction, Value, differs, find_one
from loaders.reading import Listing, Order, fit
from loaders.text import name_filter

MOST_WISHES = 200  # maximum number of courses on a wishlist


def listing(
    database: Database,
    *,
    search: str | None = None,
    countries: Sequence[str] | None = None,
    email: str | None = None,
) -> Listing:
    """Lists the students from certain countries whose name matches a search, ordered by name.

    A criterion that is None matches every student.
    """
    parts: dict[str, Filter] = {}
    if search:
        parts["search"] = name_filter(search)
    if countries is not None:
        parts["countries"] = {"country": {"$in": list(countries)}}
    if email is not None:
        parts["email"] = by_email(email)
    return Listing(database["students"], parts, Order("sortName", descending=False))


def by_email(email: str) -> Filter:
    """Returns a filter for the students with an e-mail address, in lower case or as it is written here.

    Imports may have stored an address in another case.
    """
    address = email.strip()
    return {"email": {"$in": sorted({address, address.lower()})}}


async def wishes(database: Database, student_id: ObjectId) -> list[WishDoc]:
    """Returns a student's wishlist, earliest addition first."""
    found = await find_one(database["wishlists"], {"_id": student_id})
    return fit("wishlists", [found])[0]["courses"] if found else []


async def insert(tx: Transaction, fields: Fields) -> StudentDoc:
    """Inserts a student and returns it."""
    student: StudentDoc = await tx.insert("students", complete("students", fields))
    return student


async def change(tx: Transaction, student: StudentDoc, **fields: Value) -> StudentDoc:
    """Sets fields of a student and the fields derived from them. Returns the changed student.

    Does nothing if the student already has these values.
    """
    if not differs(student, fields):
        return student
    if fields.keys() & COLLECTIONS["students"].derived_from:
        fields |= derived("students", {**student, **fields})
    changed: StudentDoc = await tx.patch("students", student, **fields)
    return changed


async def wishlist(tx: Transaction, student_id: ObjectId) -> WishlistDoc:
    """Returns a student's wishlist; an empty one if none is stored yet."""
    found: WishlistDoc | None = await tx.get("wishlists", student_id)
    return fit("wishlists", [found])[0] if found else {"_id": student_id, "courses": []}


async def add_to_wishlist(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> None:
    """Adds a course to a student's wishlist, which must not contain it yet."""
    stored = await wishlist(tx, student_id)
    courses = [*stored["courses"], {"courseId": course_id, "addedAt": tx.now}]
    if stored["courses"] or await tx.get("wishlists", student_id):
        await tx.patch("wishlists", stored, courses=courses)
    else:
        await tx.insert("wishlists", {"_id": student_id, "courses": courses})


async def remove_from_wishlist(tx: Transaction, student_id: ObjectId, course_id: ObjectId) -> None:
    """Removes a course from a student's wishlist, if the wishlist contains it."""
    stored = await wishlist(tx, student_id)
    courses = [wish for wish in stored["courses"] if wish["courseId"] != course_id]
    await tx.patch("wishlists", stored, courses=courses)
