"""What clients do with the gateway: all operations by Apollo and urql, and a form in another language."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    visit,
)
from pymongo import MongoClient

from app.database import connect
from app.settings import Settings
from loaders import indexes
from loaders.model import Document
from resolvers.context import Viewer
from resolvers.schema import schema
from tests.conformance.tools import HERE, Tools
from tests.resolvers.second_contract import added_fields
from tests.support import TOKENS, serving

OPERATIONS = [parse(path.read_text("utf-8")) for path in (HERE / "operations").glob("*.graphql")]
MESSAGES = {
    "LECTERN_SMTP_URL": "smtp://127.0.0.1:9",
    "LECTERN_MAIL_FROM": "desk@example.org",
    "LECTERN_VERIFY_URL": "https://example.org/verify?token={token}",
    "LECTERN_RESET_URL": "https://example.org/reset?token={token}",
}
STAFF = Viewer(roles=frozenset({"STAFF"}), subject="staff")


@pytest.fixture(scope="module")
def url(settings: Settings, shared_directory: Path) -> Iterator[str]:
    """A gateway with an empty database of its own. It has messages to send, which nobody receives."""
    own = settings.model_copy(update={"mongodb_database": f"{settings.mongodb_database}_clients"})
    asyncio.run(_index(own))
    with serving(own, **MESSAGES) as url:
        yield f"{url}/graphql"
    with MongoClient[Document](settings.mongodb_uri.get_secret_value()) as client:
        client.drop_database(own.mongodb_database)


async def _index(settings: Settings) -> None:
    async with connect(settings) as database:
        await indexes.ensure(database)


@pytest.fixture(scope="module")
def token() -> str:
    return TOKENS.access(STAFF).text


# -- the operations ----------------------------------------------------------------------------------------


class _Selected(Visitor):
    """Collects the fields that operations select, as `Type.field`."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types, self.fields = types, set[str]()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self.types.get_parent_type()
        if parent is not None:
            self.fields.add(f"{parent.name}.{node.name.value}")


def test_operations_select_everything_that_is_new() -> None:
    """Each field of the second contract is in an operation that is compiled, typed and run."""
    types = TypeInfo(schema)
    selected = _Selected(types)
    for document in OPERATIONS:
        visit(document, TypeInfoVisitor(types, selected))
    new = {
        f"{kind}.{field}"
        for kind in (
            "Query", "Mutation", "Course", "CourseRun", "Category", "Instructor", "Enrollment",
            "RatingSummary", "CourseConnection", "CourseFacets", "FacetCount", "Viewer", "AuditEntry",
            "AuditActor", "Review", "UserError",
        )
        for field in added_fields(kind)
    }  # fmt: skip
    assert new
    assert sorted(new - selected.fields) == []


def test_apollo_and_urql_run_all_operations(tools: Tools, url: str, token: str) -> None:
    asked = tools.output("clients.mjs", url, token, HERE / "operations")
    names = sorted(
        definition.name.value
        for document in OPERATIONS
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode) and definition.name
    )
    assert asked == {"Apollo": names, "urql": names}


# -- the form ----------------------------------------------------------------------------------------------


def test_a_form_shows_every_reason_in_german(tools: Tools, url: str, token: str) -> None:
    shown = tools.output("form/run.mjs", url, token)
    reasons = schema.type_map["ErrorReason"]
    assert isinstance(reasons, GraphQLEnumType)
    assert {case["reason"] for case in shown} == reasons.values.keys()
    html = {case["field"]: case["html"] for case in shown}
    assert "Das Ende muss nach dem 1.2.2020 liegen." in html["endsAt"]


@pytest.fixture
def form(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "form", tmp_path / "form"))


def run_form(tools: Tools, form: Path, url: str, token: str) -> subprocess.CompletedProcess[str]:
    return tools.run(str(form / "run.mjs"), url, token)


def test_a_form_that_lacks_a_sentence_fails(tools: Tools, url: str, token: str, form: Path) -> None:
    german = form / "german.mjs"
    lines = german.read_text("utf-8").splitlines(keepends=True)
    german.write_text("".join(line for line in lines if "NOT_A_SLUG" not in line), "utf-8")
    done = run_form(tools, form, url, token)
    assert done.returncode != 0
    assert "no sentence for NOT_A_SLUG" in done.stderr


def test_a_form_whose_sentence_needs_what_is_not_there_fails(
    tools: Tools, url: str, token: str, form: Path
) -> None:
    german = form / "german.mjs"
    german.write_text(
        german.read_text("utf-8").replace("WEAK_PASSWORD: ({ min })", "WEAK_PASSWORD: ({ most: min })")
    )
    done = run_form(tools, form, url, token)
    assert done.returncode != 0
    assert "WEAK_PASSWORD lacks params" in done.stderr
