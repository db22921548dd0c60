"""docs/messages.md: the messages, their fields, and the fields of what is posted."""

import re
from pathlib import Path

from app.delivery.messages.message_kinds import FIELDS
from loaders.outbox import MOST_KEPT

TEXT = (Path(__file__).parents[2] / "docs" / "messages.md").read_text("utf-8")


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_each_message_is_described() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", section("What is sent"), re.MULTILINE)) == set(FIELDS)


def test_each_message_is_listed_with_its_fields() -> None:
    rows = re.findall(r"^\| (`\{.*) \| (`.*) \|$", section("Texts"), re.MULTILINE)
    listed = {
        kind: set(re.findall(r"\{(\w+)\}", fields))
        for fields, kinds in rows
        for kind in re.findall(r"\w+", kinds)
    }
    assert listed == {kind: set(fields) for kind, fields in FIELDS.items() if fields}


def test_the_number_of_messages_on_the_page_is_right() -> None:
    assert f"keeps the newest {MOST_KEPT} messages" in section("During development")
