"""Migration 1: derived keys of courses and students, and slugs, by the present rules for text.

The rules before it took the marks off the letters of all scripts, so that the slug of "データ" was "テータ",
and stored Hangul decomposed. A slug that these rules made from the course's title is made anew; the former
slug still leads to the course. Other slugs were chosen by a person, and stay.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import category, combining, normalize

from loaders.collections import COLLECTIONS, derived
from loaders.course_writes import old_slugs
from loaders.migrations.migration import Migration, Step, attempted, different, each
from loaders.mongo import Database, Document, Fields
from loaders.text import slugify, unique_slugs

_NUMBER = re.compile(r"[0-9]+")

# -- The rules for slugs before this migration: a copy, because a migration must not change with the code.

_OLD_WORD = re.compile(r"[^\s+#]+(?:[+#]+(?![^\s+#]))?")
_OLD_SIGNS = {"+": "p", "#": "sharp"}
_OLD_SHORT = 75  # characters of a slug that createCourse made from a title, before a number was appended


def old_slug(text: str) -> str:
    """Converts a string to a slug by the rules before this migration."""
    folded = "".join(map(_old_folded, text))
    words = (word[:64] for word in _OLD_WORD.findall(folded))
    return "-".join(re.sub(r"[+#]", lambda sign: _OLD_SIGNS[sign[0]], word) for word in words)[:80].strip("-")


def _old_folded(character: str) -> str:
    plain = normalize("NFKD", normalize("NFKD", character).casefold())
    return "".join(_old_kept(c) for c in plain if not combining(c))


def _old_kept(character: str) -> str:
    is_kept = character.isalnum() or character in "+#" or category(character) in ("Mc", "Mn")
    return character if is_kept else " "


# -- The changes


class _Wanted(NamedTuple):
    """The slug that a course should have, and what distinguishes it if the slug is taken (unique_slugs)."""

    slug: str
    suffix: str


def wanted_slug(course: Fields) -> _Wanted | None:
    """Returns the slug that a course should have by the present rules, or None if its slug stays."""
    slug, suffix = course["slug"], str(course["_id"])[-6:]
    wanted = _made_anew(course, suffix) or _Wanted(normalize("NFC", slug), suffix)
    # If the course had the wanted slug in the past, somebody has changed it.
    return None if wanted.slug in (slug, *(course.get("oldSlugs") or ())) else wanted


def _made_anew(course: Fields, suffix: str) -> _Wanted | None:
    """Returns the wanted slug of a course whose slug the old rules made from its title; else None.

    They made it alone, or with a number, or with the external id and perhaps a number (unique_slugs).
    """
    slug, title = course["slug"], course["title"]
    made, new = old_slug(title) or "course", slugify(title) or "course"
    external = (course.get("externalId") or {}).get("id", "")
    old_id, new_id = old_slug(external), slugify(external)
    for base in (made, made[:_OLD_SHORT].strip("-")):
        rest = slug.removeprefix(base).removeprefix("-")
        if slug == base or (slug == f"{base}-{rest}" and _NUMBER.fullmatch(rest)):
            # With a number, it was another title's without one by the old rules alone.
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
        changes[index] = {**(changes[index] or {}), **_renamed(courses[index], slug)}
    return changes


def _recomputed_course(course: Document) -> Document:
    """Returns the changed fields. If the slug changes, it is the _Wanted one, which may be taken."""
    fields = different(course, derived("courses", course))
    wanted = wanted_slug(course)
    return fields if wanted is None else {**fields, "slug": wanted}


def _renamed(course: Document, slug: str) -> Document:
    """Returns the fields of a course that gets a new slug. Slugs are looked for in composed form."""
    former = dict.fromkeys(normalize("NFC", old) for old in old_slugs(course, slug))
    former.pop(slug, None)
    return {"slug": slug, "oldSlugs": list(former)}


def _recomputed_student(student: Document) -> Document:
    return different(student, derived("students", student))


_COURSES, _STUDENTS = COLLECTIONS["courses"], COLLECTIONS["students"]

MIGRATION = Migration(
    1,
    "search words, sort keys and slugs by the new rules for text",
    (
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
