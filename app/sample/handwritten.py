"""Reads the hand-written data in data/: the catalogue, the people and the sentences."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from loaders.model import CourseStatus, DeliveryMode, Level
from loaders.text import slugify

Table = Mapping[str, Any]  # a table in one of our own TOML files, which need no validation

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
    """A course in data/catalogue. `subject` and the fields after it contain details for the reviews."""

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
    price: str | None = None  # such as "INR 14999", or "free"; None if unknown
    language: str = "en"
    status: CourseStatus = "PUBLISHED"
    credits: float | None = None
    institution: str | None = None
    url: str | None = None
    requires: tuple[str, ...] = ()  # slugs of the course's prerequisites
    average: float | None = None  # an imported average rating without a number of ratings
    imported: tuple[float, int] | None = None  # average and number of ratings imported without reviews
    reviews: bool = True
    draw: float = 1.0  # popularity among students, relative to other courses
    quality: float | None = None  # mean of the distribution from which the course's ratings are drawn
    subject: str = ""
    project: str = ""
    topics: tuple[str, ...] = ()
    loved: tuple[str, ...] = ()
    gripes: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()  # jobs that reviewers mention; if empty, the category's jobs are used

    @cached_property
    def key(self) -> str:
        """The course's slug. It is derived from the title, unless the catalogue sets a better one."""
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
    description: str
    jobs: list[str]  # jobs of the category's reviewers
    praise: list[str]
    complaints: list[str]
    courses: list[CoursePlan]


def categories() -> list[CategoryPlan]:
    return [_category(_table(f"catalogue/{slug}.toml")) for slug in CATEGORIES]


def people() -> Table:
    """Returns the contents of data/people.toml: instructors, names by country, bios and rooms."""
    return _table("people.toml")


def texts() -> dict[str, Table]:
    """Returns sentences for reviews, by language, from data/texts."""
    return {language: _table(f"texts/{language}.toml") for language in LANGUAGES}


def _category(table: Table) -> CategoryPlan:
    courses = [CoursePlan(**course) for course in table["course"]]
    fields = {name: value for name, value in table.items() if name != "course"}
    return CategoryPlan(**fields, courses=courses)


def _table(path: str) -> Table:
    text = files("app.sample").joinpath("data").joinpath(path).read_text("utf-8")
    return tomllib.loads(text)
