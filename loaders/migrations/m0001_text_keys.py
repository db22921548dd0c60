"""Migration 1: recomputes search terms, sort keys and slugs by the present rules for text.

The earlier rules removed marks from letters of all scripts, so that "データ" had the slug "テータ", and left
Hangul decomposed. A course whose slug was made from its title gets a new slug; the former slug still leads to
the course. Any other slug was chosen by a person, so it is only composed (NFC). The slugs of categories are
treated in the same way, with the name instead of the title.
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from unicodedata import category as kind_of
from unicodedata import combining, normalize

from loaders.collections import COLLECTIONS, derived
from loaders.course_writes import old_slugs
from loaders.migrations.migration import Migration, Step, attempted, different, each
from loaders.mongo import Database, Document, Fields, Transaction, transaction
from loaders.text import slugify, unique_slugs

_NUMBER = re.compile(r"[0-9]+")
_MOST = 1_000  # categories per batch; more than MOST_CATEGORIES, so that a single batch contains all of them

# -- The earlier rules for slugs. They are copied here, because a migration must not change when the code
# does.

_OLD_WORD = re.compile(r"[^\s+#]+(?:[+#]+(?![^\s+#]))?")
_OLD_SIGNS = {"+": "p", "#": "sharp"}
_OLD_SHORT = 75  # maximum length of a slug that createCourse made, before it appended a number


def old_slug(text: str) -> str:
    """Converts a string to a slug by the rules that applied before this migration."""
    folded = "".join(map(_old_folded, text))
    words = (word[:64] for word in _OLD_WORD.findall(folded))
    return "-".join(re.sub(r"[+#]", lambda sign: _OLD_SIGNS[sign[0]], word) for word in words)[:80].strip("-")


def _old_folded(character: str) -> str:
    plain = normalize("NFKD", normalize("NFKD", character).casefold())
    return "".join(_old_kept(c) for c in plain if not combining(c))


def _old_kept(character: str) -> str:
    is_kept = character.isalnum() or character in "+#" or kind_of(character) in ("Mc", "Mn")
    return character if is_kept else " "


# -- The changes that the migration makes


class _Wanted(NamedTuple):
    """The slug that a course should have, and the suffix to add if the slug is taken (see unique_slugs)."""

    slug: str
    suffix: str


def wanted_slug(course: Fields) -> _Wanted | None:
    """Returns the slug that a course should have by the present rules, or None to keep its slug."""
    slug, suffix = course["slug"], str(course["_id"])[-6:]
    wanted = _made_anew(course, suffix) or _Wanted(normalize("NFC", slug), suffix)
    # If the wanted slug is a former slug of the course, somebody changed the slug on purpose, so it is kept.
    return None if wanted.slug in (slug, *(course.get("oldSlugs") or ())) else wanted


def _made_anew(course: Fields, suffix: str) -> _Wanted | None:
    """Returns the wanted slug of a course whose slug was made from its title; None for any other course.

    The old rules made a slug from the title alone, or appended a number, the external id, or the external id
    and a number (see unique_slugs).
    """
    slug, title = course["slug"], course["title"]
    made, new = old_slug(title) or "course", slugify(title) or "course"
    external = (course.get("externalId") or {}).get("id", "")
    old_id, new_id = old_slug(external), slugify(external)
    for base in (made, made[:_OLD_SHORT].strip("-")):
        rest = slug.removeprefix(base).removeprefix("-")
        if slug == base or (slug == f"{base}-{rest}" and _NUMBER.fullmatch(rest)):
            # A number in the old slug means that another course already had the slug without the number. If
            # the new rules give a different slug, the course may no longer need the number.
            return _Wanted(slug if new == made else new, rest or new_id or suffix)
        if old_id and re.fullmatch(f"{re.escape(base)}-{re.escape(old_id)}(-[2-9])?", slug):
            same = (new, new_id) == (made, old_id)
            return _Wanted(slug if same else f"{new}-{new_id or suffix}", suffix)
    return None


async def _course_changes(database: Database, courses: Sequence[Document]) -> list[Fields | None]:
    changes = [attempted(_recomputed_course, course) for course in courses]
    renamed = [index for index, fields in enumerate(changes) if fields and "slug" in fields]
    wanted = [(changes[index] or {})["slug"] for index in renamed]
    slugs = await unique_slugs(database["courses"], wanted) if wanted else []
    for index, slug in zip(renamed, slugs, strict=True):
        renamed_course = attempted(partial(_renamed, slug=slug), courses[index])
        changes[index] = renamed_course and {**(changes[index] or {}), **renamed_course}
    return changes


def _recomputed_course(course: Document) -> Document:
    """Returns the fields to set in a course. The new slug, if there is one, is a _Wanted."""
    fields = different(course, derived("courses", course))
    wanted = wanted_slug(course)
    return fields if wanted is None else {**fields, "slug": wanted}


def _renamed(course: Document, slug: str) -> Document:
    """Returns the new `slug` and `oldSlugs` of a course or category.

    The former slugs are composed (NFC), because a slug is composed before it is looked up.
    """
    former = dict.fromkeys(normalize("NFC", old) for old in old_slugs(course, slug))
    former.pop(slug, None)
    return {"slug": slug, "oldSlugs": list(former)}


def _recomputed_student(student: Document) -> Document:
    return different(student, derived("students", student))


async def _rename_categories(database: Database, categories: Sequence[Document]) -> list[Fields | None]:
    """Updates the slugs of categories, and the courses that refer to them.

    Returns no fields for the step to set.

    A category and its courses are changed in one transaction, because courses refer to a category by its
    slug. If the new slug is taken, the category keeps its slug.
    """
    changes = [attempted(_renamed_category, one) for one in categories]
    taken = {slug for one in categories for slug in (one.get("slug"), *(one.get("oldSlugs") or ()))}
    for one, fields in zip(categories, changes, strict=True):
        if fields and fields["slug"] not in taken:
            taken.add(fields["slug"])
            await transaction(database, partial(_rename_category, old=one, fields=fields))
    await _move_late_courses(database, categories, changes)
    return [fields and {} for fields in changes]


async def _move_late_courses(
    database: Database, categories: Sequence[Document], changes: Sequence[Fields | None]
) -> None:
    """Corrects courses that still refer to their category by its former slug.

    A gateway may have read that slug before the category was renamed, and written it to a course afterwards.
    """
    right = [one for one, fields in zip(categories, changes, strict=True) if fields == {}]
    present = {one.get("slug") for one in categories}
    former = {slug: one["slug"] for one in right for slug in one.get("oldSlugs") or ()}
    # A former slug isn't in `oldSlugs` if it differed from the present slug only in its Unicode normal form.
    for one in right:
        if one["slug"] == slugify(one["name"]):
            former.setdefault(old_slug(one["name"]), one["slug"])
    for slug in former.keys() - present:
        await database["courses"].update_many(
            {"categorySlug": slug}, {"$set": {"categorySlug": former[slug]}}
        )


def _renamed_category(category: Document) -> Document:
    slug = category["slug"]
    new = slugify(category["name"]) if slug == old_slug(category["name"]) else normalize("NFC", slug)
    return {} if new in (slug, "") else _renamed(category, new)


async def _rename_category(tx: Transaction, old: Document, fields: Fields) -> None:
    stored = await tx.get("categories", old["_id"])
    if stored and stored["slug"] == old["slug"]:
        await tx.patch("categories", stored, **fields)
        await tx.set("courses", {"categorySlug": old["slug"]}, {"categorySlug": fields["slug"]})


_COURSES, _STUDENTS = COLLECTIONS["courses"], COLLECTIONS["students"]

MIGRATION = Migration(
    1,
    "search words, sort keys and slugs by the new rules for text",
    (
        Step("categories", frozenset(("slug", "name", "oldSlugs")), frozenset(), _rename_categories, _MOST),
        Step(
            "courses",
            _COURSES.derived_from | {"slug", "oldSlugs"},
            _COURSES.derived | {"externalId"},
            _course_changes,
            size=50,
        ),
        Step("students", _STUDENTS.derived_from, _STUDENTS.derived, each(_recomputed_student), size=500),
    ),
)
