"""docs/permissions.md is generated from the table of permissions."""

from pathlib import Path

from resolvers.access.permissions_page import document
from resolvers.access.rules import GROUPS, RULES

FILE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_the_page_is_generated_from_the_table() -> None:
    """If not, run `python -m resolvers.access.permissions_page > docs/permissions.md`."""
    assert FILE.read_text(encoding="utf-8") == document()


def test_every_rule_has_its_row_and_says_what_own_means() -> None:
    rows = [line for line in document().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(RULES)
    assert not any("| own |" in row for row in rows)


def test_no_rule_is_listed_twice() -> None:
    assert len(RULES) == sum(len(group.rules) for group in GROUPS)
