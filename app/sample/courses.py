"""Generates categories, instructors and courses from the catalogue."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from bson import ObjectId

from app.sample.handwritten import CategoryPlan, CoursePlan, Table
from app.sample.identity import FIRST_DAY, TODAY, external_id, object_id
from app.sample.identity import random as seeded
from loaders.model import NO_IDS, CategoryDoc, CourseDoc, ImportedRating, InstructorDoc, MoneyDoc, summarise
from loaders.text import course_keys, name_keys, slugify

_HEADINGS = {
    "en": ("What you will learn", "Who it is for", "Outline"),
    "es": ("Qué aprenderás", "A quién va dirigido", "Contenido"),
    "de": ("Was du lernst", "Für wen", "Inhalt"),
    "fr": ("Ce que vous apprendrez", "À qui s'adresse ce cours", "Programme"),
    "hi": ("आप क्या सीखेंगे", "किसके लिए", "पाठ्यक्रम"),
    "ar": ("ماذا ستتعلم", "لمن هذه الدورة", "محتوى الدورة"),
}


def category_documents(categories: Sequence[CategoryPlan]) -> list[CategoryDoc]:
    return [
        {
            "_id": object_id("categories", n),
            "slug": category.slug,
            "name": category.name,
            "description": category.description,
            "imageUrl": f"https://pictures.example/categories/{category.slug}.jpg",
            "position": n + 1,
            "externalId": external_id(category.slug),
        }
        for n, category in enumerate(categories)
    ]


def instructor_documents(people: Table) -> list[InstructorDoc]:
    return [
        {
            "_id": object_id("instructors", n),
            "slug": slugify(person["name"]),
            "name": person["name"],
            "sortName": keys["sortName"],
            "searchTerms": keys["searchTerms"],
            "headline": person.get("headline"),
            "bio": person.get("bio"),
            "avatarUrl": f"https://pictures.example/people/{slugify(person['name'])}.jpg"
            if "bio" in person
            else None,
            "externalId": external_id(f"instructor-{n + 1:02}"),
        }
        for n, person in enumerate(people["instructor"])
        for keys in [name_keys({"name": person["name"]})]
    ]


def course_documents(categories: Sequence[CategoryPlan], people: Table) -> list[CourseDoc]:
    """Returns all courses. Their aggregates are computed later."""
    random = seeded("courses")
    plans = [(category, plan) for category in categories for plan in category.courses]
    ids = {plan.key: object_id("courses", n) for n, (_, plan) in enumerate(plans)}
    return [_course(ids, category, plan, people, random) for category, plan in plans]


def description(plan: CoursePlan) -> str:
    """Returns a course's description in Markdown: introduction, outcomes, audience and outline."""
    learn, audience, outline = _HEADINGS[plan.language]
    outcomes = "\n".join(f"- {_capitalised(item)}" for item in plan.learn)
    parts = "\n".join(f"{n}. {part}" for n, part in enumerate(plan.outline, 1))
    return (
        f"{plan.intro}\n\n## {learn}\n\n{outcomes}\n\n## {audience}\n\n{plan.audience}"
        f"\n\n## {outline}\n\n{parts}\n"
    )


def _course(
    ids: Mapping[str, ObjectId], category: CategoryPlan, plan: CoursePlan, people: Table, random: Random
) -> CourseDoc:
    created = _created(plan, random)
    text = description(plan)
    words = {"title": plan.title, "codes": plan.codes, "tags": plan.tags, "summary": plan.summary}
    return {
        "_id": ids[plan.key],
        "slug": plan.key,
        "codes": plan.codes,
        "title": plan.title,
        "summary": plan.summary,
        "description": text,
        "categorySlug": category.slug,
        "level": plan.level,
        "deliveryModes": plan.modes,
        "durationDays": plan.days,
        "language": plan.language,
        "tags": plan.tags,
        "price": _price(plan.price),
        "credits": plan.credits,
        "institution": plan.institution,
        "url": plan.url,
        "imageUrl": None if plan.status == "DRAFT" else f"https://pictures.example/{plan.key}.jpg",
        "prerequisiteIds": [ids[key] for key in plan.requires],
        "instructorIds": _instructors(category.slug, plan, people, random),
        "status": plan.status,
        "createdAt": created,
        "updatedAt": (created + (TODAY - created) * random.random()).replace(microsecond=0),
        "externalId": external_id(plan.key),
        **summarise([0] * 5, _imported(plan)),
        "studentCount": 0,
        # Each imported rating is counted as one student.
        "importedStudentCount": plan.imported[1] if plan.imported else 0,
        "seatsUntil": None,
        "newestReviewIds": NO_IDS,
        "revision": 0,
        "oldSlugs": [],
        **course_keys({**words, "description": text}),
    }


def _created(plan: CoursePlan, random: Random) -> datetime:
    """Draws a creation date: recent for drafts and new courses, early for archived courses."""
    day = FIRST_DAY + timedelta(hours=random.randrange(8, 20), minutes=random.randrange(60))
    if plan.is_new or plan.status == "DRAFT":
        return day + timedelta(days=1780 + random.randrange(200) if plan.is_new else 1400)
    return day + timedelta(days=random.randrange(300 if plan.status == "ARCHIVED" else 1500))


def _imported(plan: CoursePlan) -> ImportedRating | None:
    if plan.imported is not None:
        average, count = plan.imported
        return {"average": average, "count": count}
    return {"average": plan.average, "count": None} if plan.average else None


def _price(price: str | None) -> MoneyDoc | None:
    if price is None:
        return None
    if price == "free":
        return {"amountMinor": 0, "currency": "INR"}
    currency, amount = price.split()
    return {"amountMinor": int(amount) * 100, "currency": currency}


def _instructors(category: str, plan: CoursePlan, people: Table, random: Random) -> list[ObjectId]:
    """Draws one to three instructors who teach the category in the course's language."""
    eligible = [
        object_id("instructors", n)
        for n, person in enumerate(people["instructor"])
        if category in person["teaches"]
        and (plan.language == "en" or plan.language in person.get("speaks", ()))
    ]
    return random.sample(eligible, min(len(eligible), random.choice((1, 1, 1, 2, 2, 3))))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
