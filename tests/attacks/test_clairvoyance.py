"""clairvoyance, which reconstructs schemas from errors, with every name of the schema in its word list."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.execution import Document, Executor, Operation
from resolvers.schema import schema
from tests.attacks.conftest import PRODUCTION, Attacked
from tests.attacks.install import ENVIRONMENT, is_installed
from tests.attacks.names import names
from tests.support import missing

TOOL = ENVIRONMENT / "bin" / "clairvoyance"
NAMES = set(names(schema))
FEW = ("course", "categories", "totalCount", "slug", "node", "id")
NOISE = {f"{word}{number}" for word in ("user", "order", "product") for number in range(100)}

#: What each way of serving may tell: the names that clairvoyance may learn. The root types' names are the
#: values of `__typename`, which every operation may ask for.
MODES: Mapping[str, tuple[Mapping[str, str], frozenset[str]]] = {
    "production": (PRODUCTION, frozenset({"Query", "Mutation"})),
    "trusted": (PRODUCTION | {"LECTERN_OPERATIONS": "trusted"}, frozenset()),
}


class Found(NamedTuple):
    """What clairvoyance has found. learned: names of the schema. output: what it printed."""

    learned: set[str]
    output: str


def clairvoyance(url: str, words: Iterable[str], directory: Path, document: str = "query { FUZZ }") -> Found:
    if not is_installed():
        missing("clairvoyance is not installed: run `.venv/bin/python tests/attacks/install.py`")
    word_list, found = directory / "words.txt", directory / "schema.json"
    word_list.write_text("\n".join(sorted(words)))
    done = subprocess.run(
        [
            ENVIRONMENT / "bin" / "clairvoyance",
            "-d",
            document,
            "-w",
            word_list,
            "-o",
            found,
            f"{url}/graphql",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    learned = set(_named(json.loads(found.read_text()))) if found.exists() else set[str]()
    return Found(learned & NAMES, done.stdout + done.stderr)


def _named(value: Any) -> Iterable[str]:
    """Every name in a schema's introspection."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    if isinstance(value, dict):
        yield from [value["name"]] if isinstance(value.get("name"), str) else []
        for item in value.values():
            yield from _named(item)


#: The words of an attack, and the document into which they are put. The tool tries 64 words at a time. That
#: many root fields are refused whatever they are, but few are not.
ATTACKS: Mapping[str, tuple[Iterable[str], str]] = {
    "all words": (NAMES | NOISE, "query { FUZZ }"),
    "few words": ({*FEW, *sorted(NOISE)[:20]}, "query { FUZZ }"),
    "mutations": (NAMES | NOISE, "mutation { FUZZ }"),
}


@pytest.mark.parametrize(("words", "document"), ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(("variables", "allowed"), MODES.values(), ids=MODES)
def test_it_learns_no_name(
    attacked: Attacked,
    tmp_path: Path,
    variables: Mapping[str, str],
    allowed: frozenset[str],
    words: Iterable[str],
    document: str,
) -> None:
    found = clairvoyance(attacked(variables), words, tmp_path, document)
    assert "Starting blind introspection" in found.output
    assert found.learned <= allowed, found.output


def test_it_finds_names_where_errors_tell_them(gateway_url: str, tmp_path: Path) -> None:
    """The tool works: in development it learns fields, types and arguments."""
    found = clairvoyance(gateway_url, FEW, tmp_path)
    assert {"course", "Course", "categories", "Category", "slug"} <= found.learned, found.output


def test_guesses_push_nothing_out_of_the_cache() -> None:
    executor = Executor(schema, introspection=False)
    known = Operation("{ courses { totalCount } }")
    executor.prepare(known)
    for number in range(1_000):
        executor.prepare(Operation(f"{{ word{number} }}"))
    assert isinstance(executor.kept(known), Document)
    assert executor.cache_size()[0] == 1
    assert [executor.kept(Operation(f"{{ word{number} }}")) is not None for number in (0, 999)] == [
        False,
        True,
    ]
