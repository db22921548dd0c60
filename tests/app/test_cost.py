"""`lectern cost`: the prices of a client's operations, without a database."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from resolvers.relay import MAX_SIZE, MOST_IDS
from tests.command import lectern
from tests.support import serving

AWAY = {"LECTERN_MONGODB_URI": "mongodb://127.0.0.1:1"}
FRAGMENT = "fragment Card on Course { title reviews(first: 5) { nodes { rating student { name } } } }"
CARDS = "query Cards { courses(first: 20) { nodes { ...Card } } }"
CARDS_PRICE = 485  # as in docs/cost.md


def written(directory: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(directory)


def report(*arguments: str, **environment: str) -> Any:
    done = lectern("cost", "--json", *arguments, **AWAY, **environment)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def prices(*arguments: str, **environment: str) -> dict[str, int]:
    operations = report(*arguments, **environment)["operations"]
    return {operation["name"]: operation["price"] for operation in operations}


def test_fragments_can_be_in_other_files(tmp_path: Path) -> None:
    files = {"a/Cards.graphql": CARDS, "b/Card.gql": f"# a comment\n{FRAGMENT}"}
    done = lectern("cost", written(tmp_path, files), **AWAY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        str(CARDS_PRICE), "241", "objects", "720", "values", "5", "commands", "Cards",
        f"{tmp_path}/a/Cards.graphql:1",
    ]  # fmt: skip


def test_some_files_of_a_folder_are_left_out(tmp_path: Path) -> None:
    files = {
        "schema.graphql": "type Query { nothing: Int }",
        "a.graphql": "query A { __typename }",
        "node_modules/b.graphql": "query B {",
        ".cache/c.graphql": "query C {",
        "d.json": "{}",
        "e.txt": "query E {",
    }
    assert prices(written(tmp_path, files)) == {"A": 1}


@pytest.mark.parametrize(("most", "status"), [(CARDS_PRICE, 0), (CARDS_PRICE - 1, 1)])
def test_a_price_above_the_maximum_fails(tmp_path: Path, most: int, status: int) -> None:
    folder = written(tmp_path, {"Cards.graphql": f"{FRAGMENT}\n{CARDS}"})
    by_option = lectern("cost", folder, "--max", str(most), **AWAY)
    by_setting = lectern("cost", folder, **AWAY, LECTERN_MAX_COST=str(most))
    assert [by_option.returncode, by_setting.returncode] == [status, status]
    message = (
        f"{folder}/Cards.graphql:2:1: Cards costs up to 485, but at most 484 are allowed ({{}})."
        " Request smaller pages with `first`, or fewer fields.\n"
    )
    assert by_option.stderr == (message.format("--max") if status else "")
    assert by_setting.stderr == (message.format("LECTERN_MAX_COST") if status else "")


def test_errors_name_the_place_in_the_file(tmp_path: Path) -> None:
    files = {
        "a.graphql": "query A {\n  courses { nodes { ...F nope } }\n}",
        "c.graphql": "{ platform { students } }",
        "b.graphql": "# F\n fragment F on Course { titel\n  reviews { nodes { id stars } } }",
    }
    done = lectern("cost", written(tmp_path, files), **AWAY)
    assert done.returncode == 1
    found = [line.partition(": ")[0].removeprefix(f"{tmp_path}/") for line in done.stderr.splitlines()]
    assert found == ["a.graphql:2:26", "b.graphql:2:25", "b.graphql:3:24"]
    assert "Did you mean 'title'" in done.stderr
    assert "(unnamed)" in done.stdout  # the valid operation is priced


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.graphql": "query A {"}, "a.graphql:1:10: Syntax Error: Expected Name, found <EOF>."),
        ({"a.graphql": "type A { b: Int }"}, "There are no operations in these files"),
        (
            {"a.graphql": "query A { ...F } "},
            "a.graphql:1:14: Unknown fragment 'F'. Give the file or folder with the fragment too.",
        ),
        ({"a.json": '{"x": "query A { ...F }"}'}, "a.json(x):1:14: Unknown fragment 'F'.\n"),
        ({"a.ts": "export const a = 1"}, "a.ts is neither *.graphql or *.gql nor a manifest (*.json)."),
        ({"a.json": '{"x": "fragment F on Query { a }"}'}, "a.json(x): it has no operation."),
        (
            {"a.json": '{"x": "query A { __typename } query B { __typename }"}'},
            "a.json(x): it has several operations.",
        ),
        (
            {"a.graphql": "query A { __typename } query A { __typename }"},
            "a.graphql:1:24: the operation A is also defined in",
        ),
        (
            {"a.graphql": "query A { __typename } { __typename }"},
            "a.graphql:1:24: an operation beside others needs a name.",
        ),
        (
            {"a.graphql": "fragment F on Query { a }", "b.graphql": "fragment F on Query { b } {a}"},
            "b.graphql:1:1: the fragment F is also defined in",
        ),
        ({"a.graphql": "{" * 5_000}, "a.graphql:1:"),
        ({"a.graphql": "{ " + "a " * 3_000 + "}"}, "LECTERN_MAX_QUERY_TOKENS"),
        ({"a.json": "[]"}, "a.json: It must be a JSON object that maps ids to texts"),
    ],
)
def test_files_that_cant_be_priced(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    written(tmp_path, files)
    done = lectern("cost", *(str(tmp_path / name) for name in files), **AWAY)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["nosuch", "nosuch.graphql", "nosuch.json"])
def test_a_path_that_does_not_exist_is_told(tmp_path: Path, name: str) -> None:
    done = lectern("cost", str(tmp_path / name), **AWAY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path / name} can't be read: No such file or directory.\n"


def test_a_folder_of_manifests_has_no_operations(tmp_path: Path) -> None:
    folder = written(tmp_path, {"m.json": '{"x": "{ __typename }"}'})
    assert "Name manifests (*.json) themselves." in lectern("cost", folder, **AWAY).stderr


def test_a_file_without_definitions_has_no_operations(tmp_path: Path) -> None:
    files = {"a.graphql": "query A { __typename }", "b.graphql": "", "c.gql": "# nothing yet\n"}
    assert prices(written(tmp_path, files)) == {"A": 1}


def test_operations_of_several_files_can_have_one_name(tmp_path: Path) -> None:
    query = "query A($n: Int) { courses(first: $n) { __typename } }"
    folder = written(tmp_path, {"web/a.graphql": query, "app/a.graphql": query})
    operations = report(folder, "--variables", '{"A": {"n": 3}}')["operations"]
    assert [operation["objects"] for operation in operations] == [1 + 3] * 2


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe would wait for a writer that never comes."""
    folder = written(tmp_path, {"a.graphql": "query A { __typename }"})
    pipe = tmp_path / "pipe.gql"
    os.mkfifo(pipe)
    for arguments in ([str(pipe)], [f"{folder}/a.graphql", "--variables", str(pipe)]):
        done = lectern("cost", *arguments, **AWAY)
        assert done.returncode == 1
        assert f"{pipe} can't be read: it is not a regular file." in done.stderr


def test_a_file_that_fails_is_named(tmp_path: Path) -> None:
    done = lectern("cost", f"{written(tmp_path, {'a.gql': '{ a }'})}/a.gql", "--variables", "/proc/self/mem")
    assert done.stderr == "--variables: /proc/self/mem can't be read: Input/output error.\n"


def test_nothing_is_printed_if_nothing_has_a_price(tmp_path: Path) -> None:
    done = lectern("cost", written(tmp_path, {"a.graphql": "query A { nope }"}), **AWAY)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_file_that_is_missing_or_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_bytes(b"{ \xff }")
    assert "is not text" in lectern("cost", str(tmp_path / "a.graphql"), **AWAY).stderr
    assert "No such file" in lectern("cost", str(tmp_path / "none.graphql"), **AWAY).stderr


def test_variables_count_with_their_values_or_defaults_or_the_largest(tmp_path: Path) -> None:
    query = "query A($n: Int{}) {{ courses(first: $n) {{ nodes {{ id }} }} }}"
    page = 1 + 20  # the page and its command
    files = {"a.graphql": query.format(""), "b.graphql": query.format(" = 7").replace("A(", "B(")}
    folder = written(tmp_path, files)
    assert prices(folder) == {"A": page + MAX_SIZE + MAX_SIZE // 5, "B": page + 7 + 7 // 5}
    (tmp_path / "values.json").write_text('{"A": {"n": 3}, "B": {"n": 5}}')
    for given in (f"{folder}/values.json", f"@{folder}/values.json", '{"A": {"n": 3}, "B": {"n": 5}}'):
        assert prices(folder, "--variables", given) == {"A": page + 3, "B": page + 5 + 1}


def test_largest_values_are_those_of_the_limits(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        {
            "a.graphql": "query A($ids: [ID!]!) { nodes(ids: $ids) { id } }",
            "b.graphql": "query B($t: [String!]) { courses(filter: {tags: $t}, first: 0) { __typename } }",
            "c.graphql": "query C($s: String) { courses(filter: {search: $s}, first: 0) { __typename } }",
            "d.graphql": "query D($a: Boolean!, $b: Boolean!) { x: __typename @include(if: $a) "
            "y: __typename @skip(if: $a) @include(if: $b) z: platform @skip(if: $a) { students } }",
        },
    )
    operations = {o["name"]: o for o in report(folder, LECTERN_MAX_LIST_VALUES="9")["operations"]}
    assert operations["A"]["objects"] == MOST_IDS
    assert operations["B"]["values"] == 1 + 9
    assert operations["C"]["commands"] == 1 + 2
    assert operations["D"]["commands"] == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("[]", "takes a JSON object"),
        ('{"A": null}', "must map operations to their variables"),
        ('{"A": null}', "A has none"),
        ('{"A": {"m": 1}}', "A has no variable `m`."),
        ("{", "is not JSON"),
        ('{"B": {}}', "there is no operation B"),
        ('{"A": {"n": "x"}}', "Int cannot represent non-integer value"),
    ],
)
def test_variables_that_dont_fit(tmp_path: Path, variables: str, message: str) -> None:
    folder = written(tmp_path, {"a.graphql": "query A($n: Int) { courses(first: $n) { __typename } }"})
    (tmp_path / "values.json").write_text(variables)
    done = lectern("cost", folder, "--variables", str(tmp_path / "values.json"), **AWAY)
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    "manifest",
    [
        {"sha256:ab": f"{CARDS} {FRAGMENT}", "x": "query Other { __typename }"},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [
                {"id": "ab", "name": "Cards", "type": "query", "body": f"{CARDS} {FRAGMENT}"},
                {"id": "x", "name": "Other", "type": "query", "body": "query Other { __typename }"},
            ],
        },
    ],
    ids=["Relay and graphql-codegen", "Apollo"],
)
def test_manifests_are_priced(tmp_path: Path, manifest: Mapping[str, Any]) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert prices(str(tmp_path / "manifest.json")) == {"Cards": CARDS_PRICE, "Other": 1}


def test_the_operations_of_a_client_cost_as_much_as_online(
    tmp_path: Path, sample: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway tells the price of each in the plan that it adds to the response."""
    operations = {
        "A": "query A { courses(first: 3) { totalCount nodes { ...F } } } "
        "fragment F on Course { title runs { nodes { id } } }",
        "B": 'query B { node(id: "x") { id ... on Review { body } } platform { students } }',
        "C": 'query C { categories { name courses(first: 2, filter: {tags: ["a"]}) { nodes { id } } } }',
        "D": "query D($n: Int = 4) { students(first: $n) { edges { cursor } } }",
        "E": "query E { viewer { roles wishlist { totalCount } } }",
        "F": "query F { __typename }",
    }
    folder = written(tmp_path, {f"{name}.graphql": text for name, text in operations.items()})
    offline = {operation["name"]: operation for operation in report(folder)["operations"]}
    monkeypatch.setenv("LECTERN_TRACE_PLAN", "true")
    parts = ("price", "objects", "values", "commands")
    with serving(sample) as url, httpx.Client(base_url=url, headers={"X-Lectern-Trace": "plan"}) as client:
        for name, text in operations.items():
            answer = client.post("/graphql", json={"query": text}).json()
            online = answer["extensions"]["lectern"]["plan"]["cost"]
            assert {part: online[part] for part in parts} == {part: offline[name][part] for part in parts}


def test_the_price_for_a_budget_is_shown_if_it_is_another(tmp_path: Path) -> None:
    fields = 'signIn(input: {email: "a@b.cc", password: "x"}) { accessToken }'
    files = {"a.graphql": f"mutation SignIn {{ {fields} }}\nquery A {{ __typename }}"}
    folder = written(tmp_path, files)
    sign_in, plain = report(folder)["operations"]
    assert sign_in["price"] - sign_in["fromBudget"] == 4_000
    assert plain["price"] == plain["fromBudget"] == 1
    lines = lectern("cost", folder, **AWAY).stdout.splitlines()
    assert lines[0].endswith(f"a.graphql:1  (from a budget: {sign_in['fromBudget']})")
    assert lines[1].endswith("a.graphql:2")
