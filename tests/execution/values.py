"""Replaces the arguments that hypothesis-graphql made up by values that a database has, or nearly has."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.execution.site import Site
from tests.execution.tree import Field, Tree, Value

#: For a root field, the type of the ID that it takes.
_TAKES = {"course": "Course", "instructor": "Instructor", "student": "Student", "review": "Review"}

_NO_IDS = ["", "nonsense", "Y3JzAAAAAAAAAAAAAAAA", "Y3JzAAAAAAAAAAAAAAAAAA==", 7, "été"]
_SIZES = [1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 7, 12]
_WRONG_SIZES = [0, 100, 101, -1]
_NO_CURSORS = ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "="]
_WINDOWS = (
    ["bare"]
    + ["first"] * 7
    + ["last"] * 2
    + ["after"] * 3
    + ["before"] * 2
    + ["both", "wrong", "wrong", "made up"]
)


def fill_in(draw: DrawFn, tree: Tree, site: Site) -> None:
    """Replaces the arguments of every field."""
    for field in tree.fields():
        assert field.definition is not None
        if field.definition.args:
            arguments = _arguments(draw, field, site)
            field.arguments.clear()
            field.arguments.update(arguments)


def _arguments(draw: DrawFn, field: Field, site: Site) -> dict[str, Value]:
    if "after" in (field.definition.args if field.definition else ()):
        return _list(draw, field, site)
    return _ROOT[field.name](draw, field, site)


def _node(draw: DrawFn, _: Field, site: Site) -> dict[str, Value]:
    return {"id": _any_id(draw, site)}


def _nodes(draw: DrawFn, _: Field, site: Site) -> dict[str, Value]:
    size = draw(st.sampled_from([0, 1, 2, 3, 4, 6, 8]))
    return {"ids": [_any_id(draw, site) for _ in range(size)]}


def _by_id_or_slug(draw: DrawFn, field: Field, site: Site) -> dict[str, Value]:
    by = draw(st.sampled_from([("slug",)] * 4 + [("id",)] * 4 + [(), ("id", "slug")]))
    drawn = {
        "id": lambda: _id(draw, _TAKES[field.name], site),
        "slug": lambda: _slug(draw, f"{field.name}s", site),
    }
    return {name: drawn[name]() for name in by}


def _category(draw: DrawFn, _: Field, site: Site) -> dict[str, Value]:
    return {"slug": _slug(draw, "categories", site)}


def _by_id(draw: DrawFn, field: Field, site: Site) -> dict[str, Value]:
    return {"id": _id(draw, _TAKES[field.name], site)}


def _related(draw: DrawFn, _: Field, __: Site) -> dict[str, Value]:
    first = draw(st.sampled_from(["none", 0, 1, 2, 3, 6, 12, None, 13, -1]))
    return {} if first == "none" else {"first": first}


_ROOT: Mapping[str, Callable[[DrawFn, Field, Site], dict[str, Value]]] = {
    "node": _node,
    "nodes": _nodes,
    "course": _by_id_or_slug,
    "instructor": _by_id_or_slug,
    "category": _category,
    "student": _by_id,
    "review": _by_id,
    "relatedCourses": _related,
}


def _any_id(draw: DrawFn, site: Site) -> Value:
    return _id(draw, draw(st.sampled_from(sorted(site.ids))), site)


def _id(draw: DrawFn, kind: str, site: Site) -> Value:
    """An ID: mostly of the type, sometimes of another type, sometimes not an ID at all."""
    how = draw(st.sampled_from(["own"] * 12 + ["foreign", "none"]))
    if how == "none":
        return draw(st.sampled_from(_NO_IDS))
    of = kind if how == "own" else draw(st.sampled_from(sorted(site.ids)))
    return draw(st.sampled_from(site.ids[of] or _NO_IDS))


def _slug(draw: DrawFn, collection: str, site: Site) -> Value:
    return draw(st.sampled_from([*site.slugs[collection], "no-such", ""]))


def _list(draw: DrawFn, field: Field, site: Site) -> dict[str, Value]:
    window = draw(st.sampled_from(_WINDOWS))
    if window == "made up":
        return dict(field.arguments)
    marked = site.marked[field.of.name, field.name]
    if window in {"after", "before"} and marked:
        mark = draw(st.sampled_from(marked))
        size = {draw(st.sampled_from(["first", "last"])): draw(st.sampled_from(_SIZES))}
        return deepcopy(mark.arguments) | size | {window: mark.cursor}  # a copy, because rewrites change it
    return _chosen(draw, field, site) | _size(draw, window)


def _size(draw: DrawFn, window: str) -> dict[str, Value]:
    if window == "wrong":
        cursor = {draw(st.sampled_from(["after", "before"])): draw(st.sampled_from(_NO_CURSORS))}
        return draw(st.sampled_from([{"first": draw(st.sampled_from(_WRONG_SIZES))}, {"first": 2} | cursor]))
    names = {"bare": [], "both": ["first", "last"], "last": ["last"]}.get(window, ["first"])
    return {name: draw(st.sampled_from(_SIZES)) for name in names}


def _chosen(draw: DrawFn, field: Field, site: Site) -> dict[str, Value]:
    """Some of the field's other arguments."""
    others = [name for name in field.arguments if name not in {"first", "after", "last", "before"}]
    kept = [name for name in others if draw(st.booleans())]
    return {name: _real(draw, name, field.arguments[name], site) for name in kept}


def _real(draw: DrawFn, name: str, value: Value, site: Site) -> Value:
    """A value whose words and numbers may be in the database."""
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _real(draw, key, member, site) for key, member in value.items()}
    if name in site.words:
        choices = st.sampled_from([*site.words[name], "no-such"])
        return draw(st.lists(choices, max_size=3)) if isinstance(value, list) else draw(choices)
    return draw(_NUMBERS[name]) if name in _NUMBERS else value


_NUMBERS: Mapping[str, st.SearchStrategy[Any]] = {
    "min": st.sampled_from([0, 1, 20, 100]),
    "max": st.sampled_from([0, 60, 100_000, 10_000_000]),
    "minRating": st.sampled_from([0, 3.5, 4, 4.5, 6.0]),
    "ratings": st.lists(st.integers(1, 5), max_size=4),
}
