"""Generates fictitious students, with names, countries and bios."""

from collections.abc import Mapping
from itertools import accumulate
from random import Random

from app.sample.handwritten import Table
from app.sample.identity import external_id, object_id
from app.sample.identity import random as seeded
from loaders.model import ANONYMOUS_STUDENT, NO_IDS, StudentDoc
from loaders.text import name_keys

STUDENTS = 3_000


class _Country:
    def __init__(self, code: str, table: Table) -> None:
        self.code = code
        self.share = int(table["share"])
        self.cities = _names(table["city"])
        self.first, self.last = _names(table["first"]), _names(table["last"])
        self.whole = _names(table.get("whole", ""))


def student_documents(people: Table) -> list[StudentDoc]:
    """Returns every student. `joinedAt` is set later, by `enrolments.set_joining_dates`."""
    random = seeded("students")
    countries = [_Country(code, table) for code, table in people["country"].items()]
    shares = list(accumulate(country.share for country in countries))
    homes = random.choices(countries, cum_weights=shares, k=STUDENTS)
    return [_student(n, country, people["bio"], random) for n, country in enumerate(homes)]


def _student(n: int, country: _Country, bios: Mapping[str, list[str]], random: Random) -> StudentDoc:
    anonymous = random.random() < 0.02
    name = ANONYMOUS_STUDENT if anonymous else _name(country, random)
    keys = name_keys({"name": name})
    return {
        "_id": object_id("students", n),
        "name": name,
        "avatarUrl": _avatar(random) if random.random() < 0.1 and not anonymous else None,
        "country": country.code if random.random() > (0.7 if anonymous else 0.03) else None,
        "bio": _bio(country, bios, random) if random.random() < 0.3 and not anonymous else None,
        "email": None if anonymous else _email(n, keys["sortName"]),
        "joinedAt": None,
        "newestReviewIds": NO_IDS,
        "revision": 0,
        "externalId": external_id(f"student-{n + 1:04}"),
        "sortName": keys["sortName"],
        "searchTerms": keys["searchTerms"],
    }


def _name(country: _Country, random: Random) -> str:
    if country.whole and random.random() < 0.1:
        return random.choice(country.whole)
    first, last = random.choice(country.first), random.choice(country.last)
    if country.code in ("CN", "KR", "VN"):
        return f"{last} {first}"
    return f"{first} {last[0]}." if random.random() < 0.04 else f"{first} {last}"


def _email(n: int, folded: str) -> str:
    """Returns an address at example.org, which is reserved for examples and receives no mail (RFC 2606)."""
    local = folded.replace(" ", ".") if folded.isascii() else "student"
    return f"{local}.{n + 1}@example.org"


def _avatar(random: Random) -> str:
    """Returns a coloured square as a data URL, so that displaying it needs no request."""
    return (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E"
        f"%3Crect width='8' height='8' fill='hsl({random.randrange(0, 360, 15)},45%25,60%25)'/%3E%3C/svg%3E"
    )


def _bio(country: _Country, bios: Mapping[str, list[str]], random: Random) -> str:
    job = random.choice(bios["job"])
    text = random.choice(bios["line"]).format(
        job=job,
        lower=job.lower(),
        city=random.choice(country.cities),
        wish=random.choice(bios["wish"]),
        hobby=random.choice(bios["hobby"]),
        things=random.choice(bios["things"]),
    )
    return text[0].upper() + text[1:]


def _names(text: str) -> list[str]:
    return [name.replace("_", " ") for name in text.split()]
