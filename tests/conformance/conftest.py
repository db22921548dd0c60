"""Fixtures: Node with the packages of package-lock.json, and the schema as a file."""

from pathlib import Path

import pytest

from resolvers.schema import sdl
from tests.conformance.tools import HERE, Tools
from tests.support import missing
from web import node


@pytest.fixture(scope="session")
def tools() -> Tools:
    found = node.found()
    if found is None:
        missing("Node.js 20.19 or newer is not here: run `make setup`")
    if not node.is_installed(HERE):
        missing("the npm packages are not here: run `.venv/bin/python tests/conformance/install.py`")
    return Tools(found)


@pytest.fixture(scope="session")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema of the code. `lectern schema check` ensures that schema.graphql is the same."""
    path = tmp_path_factory.mktemp("schema") / "schema.graphql"
    path.write_text(sdl(), encoding="utf-8")
    return path
