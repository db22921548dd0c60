"""The schema, checked by its clients' tools: graphql-eslint, relay-compiler, graphql-codegen, TypeScript.

Each tool is also given something invalid, to prove that it reports errors.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from resolvers.context import Viewer
from tests.conformance.tools import HERE, Tools
from tests.support import TOKENS

OPERATIONS = sorted(
    [
        *(HERE / "operations").glob("*.graphql"),
        *(HERE.parents[1] / "web" / "src" / "examples").glob("*.graphql"),
    ]
)
GENERATED = "__generated__"
RELAY = {
    "src": ".",
    "schema": "schema.graphql",
    "language": "typescript",
    "artifactDirectory": GENERATED,
    "customScalarTypes": {"DateTime": "string", "JSON": "unknown"},
    "persistConfig": {"file": "operations.json"},
}

STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")
#: Runs with the sizes of their rosters.
RUN = "{ courses { nodes { runs(upcomingOnly: false) { nodes { id enrollments { totalCount } } } } } }"

# -- graphql-eslint ----------------------------------------------------------------------------------------


def test_schema_follows_the_rules(tools: Tools, schema_file: Path) -> None:
    assert tools.output("lint.mjs", schema_file) == []


BREAKS = {  # a rule, and a schema that breaks it
    "naming-convention": ("type RatingBucket {", "type RatingBucket {\n  Stars: Int"),
    "no-typename-prefix": ("type FacetCount {", "type FacetCount {\n  facetCountValue: Int"),
    "no-unreachable-types": ("type PlatformStats {", "type Coin { metal: String }\n\ntype PlatformStats {"),
    "strict-id-in-types": ("Money", "Sum"),
    "require-description": ('"""A person who teaches courses."""', ""),
    "relay-arguments": ("    after: String\n", "    after: IntRange\n"),
    "relay-connection-types": ("edges: [CourseEdge!]!", "edges: CourseEdge!"),
    "relay-edge-types": ("  node: Student!", "  node: [Student!]!"),
    "relay-page-info": ("hasNextPage: Boolean!", "hasNextPage: Boolean"),
}


def test_each_rule_is_on(tools: Tools, schema_file: Path, tmp_path: Path) -> None:
    text = schema_file.read_text(encoding="utf-8")
    for right, wrong in BREAKS.values():
        assert right in text
        text = text.replace(right, wrong)
    broken = tmp_path / "schema.graphql"
    broken.write_text(text, encoding="utf-8")
    rules = {complaint["rule"] for complaint in tools.output("lint.mjs", broken)}
    assert rules == {"value-types", *(f"@graphql-eslint/{rule}" for rule in BREAKS)}


# -- relay-compiler ----------------------------------------------------------------------------------------


@pytest.fixture
def relay_project(schema_file: Path, tmp_path: Path) -> Path:
    """A client's project: the modules of relay/, the schema and a configuration."""
    shutil.copytree(HERE / "relay", tmp_path, dirs_exist_ok=True)
    shutil.copy(schema_file, tmp_path)
    (tmp_path / GENERATED).mkdir()
    (tmp_path / "operations.json").write_text("{}", encoding="ascii")
    (tmp_path / "relay.config.json").write_text(json.dumps(RELAY), encoding="utf-8")
    return tmp_path


def compiled(tools: Tools, project: Path) -> subprocess.CompletedProcess[str]:
    return tools.run("node_modules/relay-compiler/cli.js", "relay.config.json", folder=project)


def test_relay_compiles(tools: Tools, relay_project: Path) -> None:
    done = compiled(tools, relay_project)
    assert done.returncode == 0, done.stdout + done.stderr
    generated = {path.name.partition(".")[0] for path in (relay_project / GENERATED).iterdir()}
    assert {
        "AccountEndSessionMutation", "AccountQuery", "CataloguePaginationQuery", "CoursePageReviewsQuery",
        "CoursePageRefetchQuery", "DeskAccountsQuery", "DeskCancelRunMutation", "DeskRosterQuery",
    } <= generated  # fmt: skip


def test_relay_refuses_what_is_not_in_the_schema(tools: Tools, relay_project: Path) -> None:
    module = relay_project / "CoursePage.ts"
    module.write_text(module.read_text(encoding="utf-8").replace("createdAt", "writtenAt"), encoding="utf-8")
    done = compiled(tools, relay_project)
    assert done.returncode != 0
    assert "The type `Review` has no field `writtenAt`" in done.stdout + done.stderr


async def test_relay_pages_through_the_gateway(tools: Tools, relay_project: Path, gateway_url: str) -> None:
    """The operations are those that relay-compiler writes, with the variables that Relay's hooks send."""
    assert compiled(tools, relay_project).returncode == 0
    texts = json.loads((relay_project / "operations.json").read_text(encoding="utf-8")).values()
    async with httpx.AsyncClient(base_url=gateway_url) as http:

        async def run(name: str, variables: dict[str, Any]) -> Any:
            text = next(text for text in texts if f"query {name}" in text)
            answer = (await http.post("/graphql", json={"query": text, "variables": variables})).json()
            assert "errors" not in answer, answer["errors"]
            return answer["data"]

        first = (await run("CatalogueQuery", {"count": 2, "cursor": None, "filter": None}))["courses"]
        end = {"cursor": first["pageInfo"]["endCursor"]}
        second = (await run("CataloguePaginationQuery", {"count": 2, "filter": None} | end))["courses"]
        course_ids = [edge["node"]["id"] for edge in first["edges"] + second["edges"]]
        assert len(set(course_ids)) == 4

        backwards = {"id": course_ids[0], "first": None, "after": None, "last": 2, "before": None}
        course = (await run("CoursePageReviewsQuery", backwards))["node"]
        assert course["__typename"] == "Course"
        assert len(course["reviews"]["edges"]) == 2


async def test_relay_pages_through_the_desk(tools: Tools, relay_project: Path, gateway_url: str) -> None:
    """Accounts and the roster of a run are fetched page by page; the roster by the run's global ID."""
    assert compiled(tools, relay_project).returncode == 0
    texts = json.loads((relay_project / "operations.json").read_text(encoding="utf-8")).values()
    headers = {"authorization": f"Bearer {TOKENS.access(STAFF).text}"}
    async with httpx.AsyncClient(base_url=gateway_url, headers=headers) as http:

        async def post(text: str, variables: dict[str, Any]) -> Any:
            answer = (await http.post("/graphql", json={"query": text, "variables": variables})).json()
            assert "errors" not in answer, answer["errors"]
            return answer["data"]

        async def run(name: str, variables: dict[str, Any]) -> Any:
            return await post(next(text for text in texts if f"query {name}" in text), variables)

        found = await post(RUN, {})
        run_id = next(
            node["id"]
            for course in found["courses"]["nodes"]
            for node in course["runs"]["nodes"]
            if node["enrollments"]["totalCount"] > 2
        )
        first = (await run("DeskRunQuery", {"id": run_id, "count": 1}))["node"]["enrollments"]
        more = {"id": run_id, "count": 2, "cursor": first["pageInfo"]["endCursor"]}
        second = (await run("DeskRosterQuery", more))["node"]["enrollments"]
        assert len({edge["node"]["id"] for edge in first["edges"] + second["edges"]}) == 3
        assert all(edge["node"]["student"]["name"] for edge in second["edges"])

        # Staff have no wishlist and no account.
        viewer = (await run("AccountQuery", {"count": 2, "cursor": None}))["viewer"]
        assert (viewer["sessions"], viewer["wishlist"]["edges"]) == ([], [])
        accounts = await run("DeskQuery", {"count": 2, "cursor": None, "filter": {"statuses": ["ACTIVE"]}})
        end = accounts["accounts"]["pageInfo"]["endCursor"]
        rest = {"count": 2, "cursor": end, "filter": {"statuses": ["ACTIVE"]}}
        later = (await run("DeskAccountsQuery", rest))["accounts"]["edges"]
        ids = [edge["node"]["id"] for edge in accounts["accounts"]["edges"] + later]
        assert len(ids) == len(set(ids))


# -- graphql-codegen and TypeScript ------------------------------------------------------------------------


def generated(
    tools: Tools, schema_file: Path, folder: Path, *operations: Path
) -> subprocess.CompletedProcess[str]:
    return tools.run("codegen.mjs", schema_file, folder, *operations)


def type_checked(tools: Tools, folder: Path) -> subprocess.CompletedProcess[str]:
    modules = sorted(folder.glob("*.ts"))
    options = ("--noEmit", "--strict", "--target", "es2022")
    return tools.run("node_modules/typescript/bin/tsc", *options, *modules, folder=folder)


def test_codegen_generates_types_that_compile(tools: Tools, schema_file: Path, tmp_path: Path) -> None:
    done = generated(tools, schema_file, tmp_path, *OPERATIONS)
    assert done.returncode == 0, done.stderr
    shutil.copy(HERE / "operations" / "uses.ts", tmp_path)
    done = type_checked(tools, tmp_path)
    assert done.returncode == 0, done.stdout


def test_generated_types_refuse_a_wrong_use(tools: Tools, schema_file: Path, tmp_path: Path) -> None:
    assert generated(tools, schema_file, tmp_path, *OPERATIONS).returncode == 0
    uses = (HERE / "operations" / "uses.ts").read_text(encoding="utf-8")
    (tmp_path / "uses.ts").write_text(uses.replace("node.course.title", "node.course.name"), encoding="utf-8")
    done = type_checked(tools, tmp_path)
    assert done.returncode != 0
    assert "Property 'name' does not exist" in done.stdout


def test_codegen_refuses_what_is_not_in_the_schema(tools: Tools, schema_file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.graphql"
    wrong.write_text("query Wrong { courses { nodes { name } } }", encoding="utf-8")
    done = generated(tools, schema_file, tmp_path, wrong)
    assert done.returncode != 0
    assert 'Cannot query field "name" on type "Course"' in done.stderr
