"""The hand-written part, as it is read from data/: the catalogue, the people, the sentences."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from loaders.model import CourseStatus, DeliveryMode, Level
from loaders.text import slugify

CATEGORIES = (
    "back-end",
    "front-end",
    "data-ai",
    "cloud-devops",
    "mobile",
    "design",
    "business",
    "languages",
    "security",
    "computer-science",
)
LANGUAGES = ("en", "es", "de", "fr", "hi", "ar")


@dataclass(frozen=True)
class CoursePlan:
    """A course as it stands in data/catalogue; the last fields are what its reviews talk about."""

    title: str
    codes: list[str]
    level: Level
    modes: list[DeliveryMode]
    tags: list[str]
    summary: str
    intro: str
    learn: list[str]
    audience: str
    outline: list[str]
    slug: str = ""
    days: int | None = None
    price: str | None = None  # "INR 14999", "free", or none told
    language: str = "en"
    status: CourseStatus = "PUBLISHED"
    imported: tuple[float, int] | None = None  # an average and its count, without the reviews behind it
    reviews: bool = True
    draw: float = 1.0  # how many students it draws, compared with others
    quality: float | None = None  # the mean its ratings are drawn around
    subject: str = ""
    project: str = ""
    topics: tuple[str, ...] = ()
    loved: tuple[str, ...] = ()
    gripes: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()  # who writes, where the category's own would surprise

    @cached_property
    def key(self) -> str:
        """Its slug: the one given where the title makes a poor one."""
        return self.slug or slugify(self.title)

    @property
    def is_new(self) -> bool:
        return not self.reviews

    @property
    def is_reviewed(self) -> bool:
        return self.reviews and not self.imported and bool(self.quality or self.status != "DRAFT")


@dataclass(frozen=True)
class CategoryPlan:
    slug: str
    name: str
    jobs: list[str]  # who writes reviews
    praise: list[str]
    complaints: list[str]
    courses: list[CoursePlan]


def categories() -> list[CategoryPlan]:
    return [_category(_table(f"catalogue/{slug}.toml")) for slug in CATEGORIES]


def people() -> dict[str, Any]:
    """Instructors, names by country, bios, rooms: data/people.toml as it is."""
    return _table("people.toml")


def texts() -> dict[str, Mapping[str, Any]]:
    """The sentences of reviews by language: data/texts."""
    return {language: _table(f"texts/{language}.toml") for language in LANGUAGES}


def _category(table: dict[str, Any]) -> CategoryPlan:
    courses = [CoursePlan(**course) for course in table.pop("course")]
    return CategoryPlan(**table, courses=courses)


def _table(path: str) -> dict[str, Any]:
    text = files("app.sample").joinpath("data").joinpath(path).read_text("utf-8")
    return tomllib.loads(text)
