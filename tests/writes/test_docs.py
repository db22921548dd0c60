"""The operations in docs/identity.md and docs/writes.md run exactly as documented."""

import re
from pathlib import Path

from loaders.mongo.database import Database
from tests import factories
from tests.writes.support import STAFF, Gateway, as_student, course_id, stored

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str) -> dict[str, str]:
    """Returns the operations of a page by name."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```graphql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {re.findall(r"(?:query|mutation) (\w+)", block)[0]: block for block in blocks}


async def test_identity(gateway: Gateway) -> None:
    shown = examples("identity.md")
    assert shown.keys() == {"SignUp", "Refresh"}
    signed_up = (await gateway.ask(shown["SignUp"]))["signUp"]
    assert signed_up["errors"] == []
    assert signed_up["viewer"]["student"]["email"] == "ada@example.org"
    variables = {"token": signed_up["refreshToken"], "key": "1f0c"}
    first = (await gateway.ask(shown["Refresh"], variables))["refreshSession"]
    again = (await gateway.ask(shown["Refresh"], variables))["refreshSession"]
    assert first["errors"] == again["errors"] == []
    assert first["refreshToken"] == again["refreshToken"] != signed_up["refreshToken"]


async def test_writes(gateway: Gateway, database: Database) -> None:
    shown = examples("writes.md")
    assert shown.keys() == {"Review", "Log"}
    course, student = factories.course(), factories.student("Ada")
    place = factories.enrollment(course, student)
    await stored(database, courses=[course], students=[student], enrollments=[place])
    variables = {"course": course_id(course), "key": "9a2e"}
    first = await gateway.ask(shown["Review"], variables, as_student(student))
    assert first["createReview"]["errors"] == []
    assert first["createReview"]["course"]["rating"] == {"average": 5.0, "count": 1}
    assert await gateway.ask(shown["Review"], variables, as_student(student)) == first

    of_review = {"review": first["createReview"]["review"]["id"]}
    log = (await gateway.ask(shown["Log"], of_review, STAFF))["auditLog"]["nodes"]
    assert [entry["action"] for entry in log] == ["createReview"]
    assert log[0]["actor"]["student"] == {"name": "Ada"}
    assert log[0]["changes"][0]["before"] is None
    assert log[0]["changes"][0]["after"]["title"] == "Worth it"
