"""Families of operations that grow with a size, to find the most expensive accepted ones."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphql import GraphQLObjectType, get_named_type, is_leaf_type, is_object_type

from resolvers.schema import schema
from tests.hostile.rows import FIGURES, Request

TYPES = schema.type_map

_REPEATED = re.compile(r"<<(.*?)>>", re.DOTALL)
_VALUES = {"Money", "RatingSummary", "RatingBucket", "ReviewReply"}  # embedded types without an identity


class Family(NamedTuple):
    """Operations of any size.

    make: the operation of a size, with a salt that makes its text new. most: the largest size to try.
    role: the viewer's role.
    """

    make: Callable[[int, int], Request]
    most: int = 2_000
    role: str | None = None


def text(template: str, size: int, salt: int) -> str:
    """Fills in a template: %n is the size and ~ the salt.

    A part between << and >> is repeated `size` times, with # as the number of each repetition.
    """
    repeated = _REPEATED.sub(
        lambda match: " ".join(match[1].replace("#", str(number)) for number in range(size)), template
    )
    return repeated.replace("%n", str(size)).replace("~", str(salt))


def of(template: str, most: int = 2_000, role: str | None = None) -> Family:
    return Family(lambda size, salt: Request(text(template, size, salt)), most, role)


def on_courses(inner: str, most: int = 2_000, role: str | None = None) -> Family:
    """Selections on each of a hundred courses."""
    return of(f"{{ courses(first: 100) {{ nodes {{ s~: id {inner} }} }} }}", most, role)


def pages(inner: str, first: int = 100) -> Family:
    """Many pages of courses, each with a different filter that every course passes."""
    return of(
        f"{{ <<a#: courses(first: {first}, filter: {{ durationDays: {{ max: 1~0# }} }}) {{ {inner} }}>> }}"
    )


def with_long_text(template: str, part: str, most: int = 49) -> Family:
    """Many calls that share one text of 900 kB in a variable."""
    repeated = part * (900_000 // len(part.encode()))
    return Family(lambda size, salt: Request(text(template, size, salt), {"v": repeated}), most)


def leaves(name: str) -> str:
    """All leaf fields of a type, including those of its embedded types."""
    kind = TYPES[name]
    assert isinstance(kind, GraphQLObjectType)
    selected = []
    for field_name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            selected.append(field_name)
        elif inner.name in _VALUES:
            selected.append(f"{field_name} {{ {leaves(inner.name)} }}")
    return " ".join(selected)


def _deep(size: int, salt: int) -> Request:
    """Courses, their reviews, the students' other reviews, their courses, and so on: `size` of each."""
    inner = "id"
    for _ in range(2):
        course = f"nodes {{ course {{ {inner} }} }}"
        inner = (
            f"reviews(first: {size}) {{ nodes {{ student {{ reviews(first: {size}) {{ {course} }} }} }} }}"
        )
    return Request(f"{{ courses(first: {size}) {{ nodes {{ s{salt}: id {inner} }} }} }}")


def _deepest(size: int, salt: int) -> Request:
    """One course, its review, its course and so on, `size` levels deep."""
    inner = f"s{salt}: id"
    for _ in range(size):
        inner = f"reviews(first: 1) {{ nodes {{ course {{ {inner} }} }} }}"
    return Request(f"{{ courses(first: 1) {{ nodes {{ {inner} }} }} }}")


def _types(size: int, salt: int) -> Request:
    names = [name for name, kind in TYPES.items() if is_object_type(kind)]
    inner = "fields { name description args { name type { name ofType { name } } } type { name kind } }"
    fields = (
        f'a{n}: __type(name: "{names[n % len(names)]}") {{ s{salt}: name {inner} }}' for n in range(size)
    )
    return Request(f"{{ {' '.join(fields)} }}")


def _schemas(size: int, salt: int) -> Request:
    inner = "name"
    for _ in range(size):
        inner = f"name fields {{ name type {{ {inner} }} }}"
    return Request(f"{{ __schema {{ types {{ a{salt}: {inner} }} }} }}")


def _listed(template: str, value: Callable[[int], str]) -> Callable[[int, int], Request]:
    """An operation with `size` values in the list of the variable `v`."""
    return lambda size, salt: Request(text(template, 20, salt), {"v": [value(n) for n in range(size)]})


def _variables(size: int, salt: int) -> Request:
    template = "query (<<$v#: String!>>) { a~: courses(filter: { tags: [<<$v#>>] }) { totalCount } }"
    return Request(text(template, size, salt), {f"v{n}": f"tag {n}" for n in range(size)})


def _search(size: int, salt: int) -> Request:
    """Code points that normalise to many, each with combining marks."""
    query = "query ($s: String) { courses(first: 1, filter: { search: $s }) { totalCount } }"
    return Request(query, {"s": f"{salt}" + "\ufdfa\u0315\u0300" * size})


def _long(size: int, salt: int) -> Request:
    return Request(f'{{ course(slug: "{salt}{"x" * size}") {{ id }} }}')


def _comments(size: int, salt: int) -> Request:
    return Request(f"{{ courses {{ totalCount }} }} #{salt}" + "#\n" * size)


_FACETS = " ".join(
    f"{name} {{ value count label }}"
    for name in ("categories", "levels", "deliveryModes", "ratings", "tags", "languages", "currencies")
)
_REVIEWER = f"student {{ {leaves('Student')} }}"
_NODES = " ".join(
    f"... on {name} {{ a{name}: {leaves(name).split()[1]} }}"
    for name in ("Course", "Review", "Student", "Category", "Instructor", "CourseRun", "Enrollment")
)
_NEW = 'name: "Somebody", email: "p~x#x%n@example.org", password: "a long one #"'

FAMILIES: Mapping[str, Family] = {
    "pages": pages(f"nodes {{ {leaves('Course')} }}"),
    "pages of ids": pages("nodes { id }"),
    "pages of edges": pages("edges { cursor node { id } } pageInfo { startCursor endCursor }"),
    "total counts": pages("totalCount", 1),
    "facets": pages(f"facets {{ {_FACETS} }}", 1),
    "titles": on_courses("<<a#: title>>"),
    "descriptions": on_courses("<<a#: description>>"),
    "type names": on_courses("<<a#: __typename>>"),
    "prices": on_courses("<<a#: price { formatted }>>"),
    "histograms": on_courses("<<a#: rating { histogram { stars count } }>>"),
    "categories": on_courses("<<a#: category { name courseCount }>>"),
    "instructors": on_courses("<<a#: instructors { name }>>"),
    "courses of instructors": on_courses("instructors { courses(first: %n) { nodes { id title } } }", 100),
    "fields of reviews": on_courses("reviews(first: 100) { nodes { <<a#: rating>> } }"),
    "bodies": on_courses("reviews(first: 100) { nodes { <<a#: body>> } }"),
    "students of reviews": on_courses(f"reviews(first: 50) {{ nodes {{ <<a#: {_REVIEWER}>> }} }}"),
    "reviews": on_courses(f"reviews(first: %n) {{ nodes {{ {leaves('Review')} {_REVIEWER} }} }}", 100),
    "edges of reviews": on_courses("reviews(first: %n) { edges { cursor node { id } } }", 100),
    "runs": on_courses(f"runs(first: %n, upcomingOnly: false) {{ nodes {{ {leaves('CourseRun')} }} }}", 100),
    "lists of each": on_courses("<<a#: reviews(first: 1, filter: { ratings: [#, 5] }) { nodes { id } }>>"),
    "counts of each": on_courses("<<a#: reviews(first: 1, filter: { ratings: [#, 5] }) { totalCount }>>"),
    "figures": of(f"{{ <<a~x#: platform {{ {FIGURES} }}>> }}"),
    "deep": Family(_deep, 100),
    "a long search": with_long_text(
        "query ($v: String) { <<a#: courses(first: 0, filter: { search: $v }) { s~: totalCount }>> }", "a "
    ),
    "a long cursor": with_long_text(
        "query ($v: String) { <<a#: courses(first: #, after: $v) { s~: totalCount }>> }", "A"
    ),
    "a long mutation": with_long_text(
        "mutation ($v: String) { <<a#: signOut(input: { clientMutationId: $v }) { s~: __typename }>> }", "é"
    ),
    "deepest": Family(_deepest, 100),
    "types": Family(_types),
    "schemas": Family(_schemas, 8),
    "fragments": of(
        "{ courses(first: 100) { nodes { s~: id <<...F#>> } } } <<fragment F# on Course { a#: title }>>"
    ),
    "conditions": of(
        "query (<<$v#: Boolean = true>>)"
        " { courses(first: 100) { nodes { s~: id <<a#: title @include(if: $v#)>> } } }"
    ),
    "variables": Family(_variables),
    "a list of tags": Family(
        _listed(
            "query ($v: [String!])"
            " { <<a#: courses(filter: { tags: $v, minRating: 1.~1# }) { totalCount }>> }",
            lambda n: f"tag {n}",
        ),
        50_000,
    ),
    "a list of IDs": Family(
        _listed(
            f"query ($v: [ID!]!) {{ a~: nodes(ids: $v) {{ id {_NODES} }} }}",
            lambda n: f"Q291cnNlOjZhOTYxNTgwNzM2ZDcwNmMwMjAw{n:04d}",
        ),
        10_000,
    ),
    "searches": of(
        '{ <<a#: courses(filter: { search: "w~x# two thr~e four five six e#" }) { totalCount }>> }'
    ),
    "a search": Family(_search, 100_000),
    "errors": of('{ <<a#: course { id }>> <<b#: courses(after: "~x#") { nodes { id } }>> }'),
    "a long text": Family(_long, 900_000),
    "comments": Family(_comments, 100_000),
    "students": of(
        '{ <<a#: students(first: 100, filter: { search: "~#" })'
        f" {{ totalCount nodes {{ {leaves('Student')} }} }}>> }}",
        role="STAFF",
    ),
    "enrolments": on_courses(
        f"enrollments(first: %n) {{ nodes {{ {leaves('Enrollment')} student {{ name }} }} }}", 100, "STAFF"
    ),
    "wishes": of(
        'mutation { <<a~x#: addToWishlist(input: { courseId: "Q291cnNlOjE=" }) { errors { code } }>> }',
        role="STUDENT",
    ),
    "signing up": of(f"mutation {{ <<a#: signUp(input: {{ {_NEW} }}) {{ errors {{ code }} }}>> }}", 200),
}  # fmt: skip


def _wrong_values(size: int, salt: int) -> Request:
    values = [{"a": salt}] * size
    return Request("query ($v: [String!]) { courses(filter: { tags: $v }) { totalCount } }", {"v": values})


_WRONG = {
    "unknown fields": "{ courses { nodes { <<titel~x#>> } } }",
    "fields with suggestions": "{ <<a~x#: coursse { id }>> }",
    "unknown arguments": "{ courses(<<firts~x#: 1>>) { totalCount } }",
    "unknown variables": "{ courses(filter: { tags: [<<$v~x#>>] }) { totalCount } }",
    "unused variables": "query (<<$v~x#: Int>>) { courses { totalCount } }",
    "unused fragments": "{ courses { totalCount } } <<fragment F~x# on Course { id }>>",
    "fragments within fragments": "{ courses { ...F0 } } <<fragment F# on Course { s~: id ...F1# }>>",
    "fragments in a cycle": "{ courses { nodes { <<...F#>> } } } <<fragment F# on Course { s~: id ...F0 }>>",
    "unknown types": "{ courses { nodes { <<... on Cuorse~x# { id }>> } } }",
    "conflicts": "{ courses { nodes { <<x~: title x~: slug>> } } }",
    "conflicting arguments": "{ <<courses(first: ~0#) { totalCount }>> }",
    "wrong enums": "{ courses(filter: { levels: [<<BEGINER~x#>>] }) { totalCount } }",
    "missing arguments": "{ <<a~x#: node { id }>> }",
    "fields without a selection": "{ <<a~x#: courses>> }",
    "unknown directives": "{ courses { a~: totalCount <<@incldue(if: true)>> } }",
    "operations": "<<query Q~x# { courses { totalCount } }>>",
    "a missing brace": "{ <<a~x#: courses { totalCount }>>",
    "braces": "{ a~ <<{>>",
    "brackets": "{ a~: courses(filter: { tags: <<[>> <<]>> }) { totalCount } }",
    "words": "<<a~>>",
}

#: Operations that are refused whatever their size.
REFUSED: Mapping[str, Callable[[int, int], Request]] = {
    **{name: of(template).make for name, template in _WRONG.items()},
    "wrong values": _wrong_values,
}
