"""Randomly generated families: many pages of courses with nested selections."""

from collections.abc import Mapping
from random import Random

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from tests.hostile.families import TYPES, Family, leaves, pages

_DEEPEST = 3
_SIZES = (1, 5, 20, 100)

#: The composite fields of each type: a template with SIZE and INNER, and the type of INNER.
_COMPOSITE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Course": (
        ("reviews(first: SIZE) { nodes { INNER } }", "Review"),
        ("reviews(last: SIZE, orderBy: { field: HELPFUL, direction: ASC }) { nodes { INNER } }", "Review"),
        ("runs(first: SIZE, upcomingOnly: false) { nodes { INNER } }", "CourseRun"),
        ("instructors { INNER }", "Instructor"),
        ("category { courseCount INNER }", "Category"),
    ),
    "Review": (("student { INNER }", "Student"), ("course { INNER }", "Course")),
    "Student": (("reviews(first: SIZE) { totalCount nodes { INNER } }", "Review"),),
    "CourseRun": (("course { INNER }", "Course"),),
    "Instructor": (("courses(first: SIZE) { nodes { INNER } }", "Course"),),
    "Category": (("courses(first: SIZE) { nodes { INNER } }", "Course"),),
}  # fmt: skip


def drawn(seed: int) -> Family:
    """The family of a seed."""
    random = Random(seed)
    return pages(f"nodes {{ {_selection(random, 'Course', 0)} }}", random.choice(_SIZES))


def _selection(random: Random, name: str, depth: int) -> str:
    fields = _COMPOSITE[name] if depth < _DEEPEST else ()
    selected = [leaves(name) if random.random() < 0.3 else _some(random, name)]
    for number, (template, kind) in enumerate(random.sample(fields, random.randint(0, min(2, len(fields))))):
        inner = template.replace("SIZE", str(random.choice(_SIZES)))
        selected.append(f"x{number}: {inner.replace('INNER', _selection(random, kind, depth + 1))}")
    return " ".join(selected)


def _some(random: Random, name: str) -> str:
    kind = TYPES[name]
    assert isinstance(kind, GraphQLObjectType)
    scalars = [
        field_name for field_name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))
    ]
    return " ".join(["id", *random.sample(scalars, random.randrange(len(scalars)))])
