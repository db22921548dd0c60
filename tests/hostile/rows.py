"""Short requests that would cost far more than they look.

Each request differs for each `salt`, so that no part of it is cached.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from random import Random
from string import ascii_lowercase
from typing import Any, NamedTuple, TypeAlias

_Json: TypeAlias = Any  # variables as a client sends them

FIGURES = "studentsEnrolled totalCourses students countries reviews averageRating"


class Request(NamedTuple):
    query: str
    variables: Mapping[str, _Json] | None = None


Row = Callable[[int], Request]


def aliases(prefix: str, fields: Iterable[str]) -> str:
    return " ".join(f"{prefix}{n}: {field}" for n, field in enumerate(fields))


def _platform(fields: str, times: int) -> Row:
    return lambda salt: Request(f"{{ {aliases(f'a{salt}_', [f'platform {{ {fields} }}'] * times)} }}")


def _branches(salt: int) -> Request:
    page = (
        "courses(first: 100, orderBy: { field: %s, direction: ASC }) { nodes { category { courseCount } } }"
    )
    pages = [page % field for field in ("TITLE", "NEWEST")]
    return Request(f"{{ {aliases(f'b{salt}_', pages)} }}")


def _introspection(salt: int) -> Request:
    a = aliases(f"a{salt}_", ["fields { type { ...B } }"] * 100)
    b = aliases("b", ["fields { name }"] * 100)
    return Request(
        f"{{ __schema {{ types {{ ...A }} }} }} fragment A on __Type {{ {a} }} fragment B on __Type {{ {b} }}"
    )


def _introspections(salt: int) -> Request:
    return Request(
        f"{{ {aliases(f'a{salt}_', ['__schema { types { fields { name type { name } } } }'] * 600)} }}"
    )


def _bodies(salt: int) -> Request:
    bodies = aliases(f"a{salt}_", ["body"] * 600)
    return Request(
        f"{{ courses(first: 100) {{ nodes {{ reviews(first: 100) {{ nodes {{ {bodies} }} }} }} }} }}"
    )


def _search(text: Callable[[int], str], times: int = 1) -> Row:
    field = "courses(first: 1, filter: { search: $s }) { nodes { id } }"
    return lambda salt: Request(
        f"query ($s: String) {{ {aliases(f'a{salt}_', [field] * times)} }}", {"s": text(salt)}
    )


def _marks(count: int) -> Row:
    return _search(lambda salt: f"a{salt}" + "\u0315\u0300" * count)


def _spreads(salt: int) -> Request:
    fragments = (f"fragment F{n} on Course {{ a{salt}_{n}: title rating {{ average }} }}" for n in range(400))
    spread = " ".join(f"...F{n}" for n in range(400))
    return Request(f"{{ courses {{ nodes {{ {spread} }} }} }} {' '.join(fragments)}")


def _overlapping(field: str, times: int) -> Row:
    return lambda salt: Request(f"{{ courses(first: 1{salt}) {{ nodes {{ {(field + ' ') * times} }} }} }}")


def _overlapping_fragments(salt: int) -> Request:
    fragments = (
        f"fragment F{n} on Course {{ rating {{ average }} ...F{n + 1} ...F{(n * 7) % 200} }}"
        for n in range(200)
    )
    return Request(
        f"{{ courses(first: 1{salt}) {{ nodes {{ {' '.join(f'...F{n}' for n in range(200))} }} }} }} "
        f"{' '.join(fragments)} fragment F200 on Course {{ id }}"
    )


def _objects(more: str) -> Row:
    page = "courses(first: 100) { nodes { reviews(first: 40) { nodes { id } } } }"
    return lambda salt: Request(f"{{ {aliases(f'a{salt}_', [page] * 23)} {more} }}")


def _filtered(salt: int) -> Request:
    """190 different lists of reviews for each of 100 courses."""
    orders = product(("NEWEST", "HELPFUL", "RATING"), ("ASC", "DESC"), ("true", "false"))
    stars = [[star for star in range(1, 6) if chosen >> (star - 1) & 1] for chosen in range(1, 32)]
    lists = [
        f"reviews(first: 1, filter: {{ ratings: {ratings}, verifiedOnly: {only} }}, "
        f"orderBy: {{ field: {field}, direction: {direction} }}) {{ nodes {{ id }} }}"
        for ratings, (field, direction, only) in product(stars, orders)
    ][:190]
    return Request(f"{{ courses(first: 100) {{ nodes {{ {aliases(f'a{salt}_', lists)} }} }} }}")


def _list(name: str, count: int, times: int) -> Row:
    """A long list in a variable, used many times."""
    field = f"courses(first: 1, filter: {{ {name}: $c }}) {{ nodes {{ id }} }}"
    return lambda salt: Request(
        f"query ($c: [String!]) {{ {aliases(f'a{salt}_', [field] * times)} }}",
        {"c": [f"{n:x}" for n in range(count)]},
    )


def _slips(times: int) -> Row:
    """Different searches that find nothing, each with the most words to correct, of the most letters."""

    def row(salt: int) -> Request:
        draw = Random(f"{salt}")
        words = ["".join(draw.choices(ascii_lowercase, k=20)) for _ in range(3 * times)]
        declared = ", ".join(f"$s{n}: String" for n in range(times))
        fields = (
            f"courses(first: 1, filter: {{ search: $s{n} }}) {{ nodes {{ id }} }}" for n in range(times)
        )
        texts = {f"s{n}": " ".join(words[3 * n : 3 * n + 3]) for n in range(times)}
        return Request(f"query ({declared}) {{ {aliases('a', fields)} }}", texts)

    return row


ROWS: Mapping[str, Row] = {
    "six figures, 700 aliases": _platform(FIGURES, 700),
    "six figures, 720 aliases": _platform(FIGURES, 720),
    "one figure, 10 aliases": _platform("studentsEnrolled", 10),
    "one figure, 1,600 aliases": _platform("studentsEnrolled", 1_600),
    "equal calls in two branches": _branches,
    "fragments of introspection": _introspection,
    "600 introspections": _introspections,
    "600 bodies of 10,000 reviews": _bodies,
    "40 kB of marks": _marks(10_000),
    "80 kB of marks": _marks(20_000),
    "960 kB of marks": _marks(240_000),
    "330,000 U+FDFA, ten aliases": _search(lambda salt: "\ufdfa" * (329_990 + salt), 10),
    "400 spread fragments": _spreads,
    "overlapping fields": _overlapping("rating { average }", 1_700),
    "overlapping conflicting fields": lambda salt: Request(
        f"{{ courses {{ nodes {{ {' '.join(f'x: title{salt}_{n}' for n in range(2_000))} }} }} }}"
    ),
    "overlapping nested fields": _overlapping("reviews { nodes { course { rating { average } } } }", 500),
    "overlapping fragments": _overlapping_fragments,
    "96,600 objects": _objects(""),
    "96,600 objects and an error": _objects("e: course { id }"),
    "190 lists of 100 courses": _filtered,
    "90,000 categories, 20 aliases": _list("categories", 90_000, 20),
    "80,000 tags, 60 aliases": _list("tags", 80_000, 60),
    "50 searches with slips": _slips(50),
}


def every_code_point(texts: int, length: int) -> Iterable[Request]:
    """Searches for every code point of the first three planes. texts: per request. length: of a text."""
    points = [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
    words = ["".join(points[at : at + length]) for at in range(0, len(points), length)]
    for at in range(0, len(words), texts):
        chosen = words[at : at + texts]
        declared = ", ".join(f"$s{n}: String" for n in range(len(chosen)))
        fields = (
            f"courses(first: 1, filter: {{ search: $s{n} }}) {{ nodes {{ id }} }}" for n in range(len(chosen))
        )
        yield Request(
            f"query ({declared}) {{ {aliases('a', fields)} }}", {f"s{n}": s for n, s in enumerate(chosen)}
        )
