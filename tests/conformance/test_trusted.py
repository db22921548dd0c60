"""Trusted operations: the manifests of real tools are pushed, and real clients run their operations."""

import json
import shutil
from pathlib import Path

import pytest

from app.settings import Settings
from tests.command import lectern
from tests.conformance.tools import Tools
from tests.support import serving

RELAY = {
    "src": ".",
    "schema": "schema.graphql",
    "language": "javascript",
    "artifactDirectory": "__generated__",
    "eagerEsModules": True,
    "persistConfig": {"file": "relay.json", "algorithm": "SHA256"},
}
#: For each client, the text of an operation with the same content.
QUERY = "query %s($first: Int) { courses(first: $first) { nodes { id title } } }"


@pytest.fixture
def project(tools: Tools, schema_file: Path, tmp_path: Path) -> Path:
    """A client's project with its manifests: relay.json, apollo.json, generated/persisted-documents.json."""
    folder = tmp_path
    (folder / "__generated__").mkdir()
    shutil.copy(schema_file, folder / "schema.graphql")
    for name, content in {
        "package.json": '{"type": "module"}',
        "relay.json": "{}",
        "relay.config.json": json.dumps(RELAY),
        "RelayQuery.js": f"import {{ graphql }} from 'relay-runtime';\ngraphql`{QUERY % 'RelayQuery'}`;\n",
        "Apollo.graphql": QUERY % "Apollo",
        "Codegen.graphql": QUERY % "Codegen",
        "apollo.config.json": json.dumps({"documents": ["Apollo.graphql"], "output": "apollo.json"}),
    }.items():
        (folder / name).write_text(content, encoding="utf-8")
    for script, *arguments in (
        ("node_modules/relay-compiler/cli.js", "relay.config.json"),
        ("node_modules/@apollo/generate-persisted-query-manifest/cli.js", "--config", "apollo.config.json"),
    ):
        done = tools.run(script, *arguments, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    # graphql-codegen looks for its preset in the folder that it runs in.
    done = tools.run("manifests.mjs", folder / "schema.graphql", folder, folder / "Codegen.graphql")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_operations_of_each_manifest_run_and_no_others(
    tools: Tools, project: Path, sample: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "LECTERN_MONGODB_URI": sample.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": sample.mongodb_database,
    }
    for client, manifest in (
        ("relay", "relay.json"),
        ("apollo", "apollo.json"),
        ("codegen", "generated/persisted-documents.json"),
    ):
        pushing = ("operations", "push", str(project / manifest), "--client", client, "--version", "1")
        done = lectern(*pushing, **environment)
        assert done.returncode == 0, done.stderr
    monkeypatch.setenv("LECTERN_OPERATIONS", "trusted")
    try:
        with serving(sample) as url:
            answers = tools.output("trusted.mjs", f"{url}/graphql", project)
    finally:
        for client in ("relay", "apollo", "codegen"):
            lectern("operations", "remove", "--client", client, "--version", "1", **environment)
    assert answers.pop("a text") == "OPERATION_NOT_TRUSTED"
    assert answers.pop("an unknown id") == "OPERATION_NOT_TRUSTED"
    assert set(answers) == {"Apollo, POST", "Apollo, GET", "Relay", "codegen"}
    for client, data in answers.items():
        assert data["courses"]["nodes"][0]["title"], (client, data)
