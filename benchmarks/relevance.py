"""Compares the ranking of a fixed list of searches of the sample catalogue with another checkout's.

    python -m benchmarks.relevance --against ../base [--first 5]

Each checkout loads its own sample data and serves it. For each search, the titles that both list are printed
beside each other. A search that is the title, a code or a tag of a course must list such a course first.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from app import embedded
from benchmarks import report
from benchmarks.report import Json
from benchmarks.servers import Server, started, with_settings

_HERE = Path(__file__).parents[1]
_LOAD = """
import asyncio, sys
from pydantic import SecretStr
from app.database import connect
from app.sample import load_sample
from app.settings import Settings
from loaders import indexes

async def load():
    async with connect(Settings(mongodb_uri=SecretStr(sys.argv[1]))) as database:
        await load_sample(database)
        await indexes.ensure(database)

asyncio.run(load())
"""
_QUERY = """query ($search: String!, $first: Int!) {
  courses(filter: { search: $search }, first: $first) { totalCount nodes { title codes tags } } }"""
_SEARCHES = (
    "python", "machine learning", "databases", "postgres", "design", "css", "react", "data",
    "project management", "how to write", "c++", "statistics for beginners", "security", "cloud", "sql",
    "programming", "java", "learn javascript", "testing", "photography", "marketing", "excel",
    "ux research", "quantum", "algorithms",
)  # fmt: skip
_EXACT = {"title": 12, "codes": 6, "tags": 12}  # how many of each are searched for


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=Path, required=True, help="the other checkout, after its `make setup`"
    )
    parser.add_argument("--first", type=int, default=5)
    arguments = parser.parse_args()
    checkouts = {"before": arguments.against.absolute(), "after": _HERE}
    with tempfile.TemporaryDirectory() as temporary, embedded.running(Path(temporary)) as uri:
        answers = {name: _answers(name, path, uri, arguments.first) for name, path in checkouts.items()}
    before, after = answers["before"], answers["after"]
    for search in _SEARCHES:
        print(f"\n{search}: {before[search]['totalCount']} before, {after[search]['totalCount']} after")
        print(report.table(("before", "after"), _pairs(before[search], after[search])))
    print()
    rows = [[f"exact {kind}", _share(kind, before), _share(kind, after)] for kind in _EXACT]
    print(report.table(("first is the right one", "before", "after"), rows))


def _answers(name: str, checkout: Path, uri: str, first: int) -> dict[str, Json]:
    python = str(checkout / ".venv/bin/python")
    environment = {"MONGODB_DATABASE": name}
    subprocess.run([python, "-c", _LOAD, uri], cwd=checkout, env=with_settings(environment), check=True)
    with started(name, (str(checkout / ".venv/bin/lectern"), "serve", "--port"), environment, uri) as server:
        whole = _ask(server, "query { courses(first: 100, orderBy: {field: TITLE, direction: ASC})"
                             " { nodes { title codes tags } } }", {})  # fmt: skip
        exact = [f"{kind}:{value}" for kind, value in _exact(whole["courses"]["nodes"])]
        searches = {search: search for search in _SEARCHES} | {key: key.partition(":")[2] for key in exact}
        return {
            key: _ask(server, _QUERY, {"search": text, "first": first})["courses"]
            for key, text in searches.items()
        }


def _ask(server: Server, query: str, variables: Json) -> Json:
    return server.data(orjson.dumps({"query": query, "variables": variables}))


def _exact(courses: Sequence[Json]) -> Iterator[tuple[str, str]]:
    """Yields titles, codes and tags of some courses, evenly spread over the catalogue."""
    for kind, count in _EXACT.items():
        values = [
            value for course in courses for value in ([course[kind]] if kind == "title" else course[kind])
        ]
        distinct = list(dict.fromkeys(values))
        yield from ((kind, value) for value in distinct[:: max(1, len(distinct) // count)][:count])


def _share(kind: str, answers: dict[str, Json]) -> str:
    asked = {key.partition(":")[2]: answers[key]["nodes"] for key in answers if key.startswith(f"{kind}:")}
    right = sum(bool(nodes) and value in (nodes[0][kind], *nodes[0][kind]) for value, nodes in asked.items())
    return f"{right} of {len(asked)}"


def _pairs(before: Json, after: Json) -> list[list[object]]:
    size = max(len(before["nodes"]), len(after["nodes"]))
    columns = [[node["title"] for node in answer["nodes"]] + [""] * size for answer in (before, after)]
    return [[columns[0][n], columns[1][n]] for n in range(size)]


if __name__ == "__main__":
    main()
