"""The text of docs/permissions.md.

`python -m resolvers.access.permissions_page > docs/permissions.md` generates it.
"""

from collections.abc import Iterator

from resolvers.access.rules import GROUPS, Grant, Group

_PREFACE = """\
# Permissions

This page is generated from [resolvers/access/rules.py](../resolvers/access/rules.py), the table that the
gateway enforces, by `.venv/bin/python -m resolvers.access.permissions_page > docs/permissions.md`. The tests
in `tests/permissions` check every cell.

Fields that are not in the tables are open to everyone. A viewer with several roles has the permissions of all
of those roles. A viewer who is signed in but has no role has the permissions that all roles share. If an
access token is expired, forged or issued for another audience, the request is refused with status 401 before
the operation runs, even if the operation selects only fields that are open to everyone.

- Anything that a viewer is not allowed to see is absent from the response: null, false or an empty list.
  There is never an error that would reveal that it exists. Counts, facets and pages cover only what the
  viewer is allowed to see.
- A mutation that the viewer is not allowed to perform is refused in the payload's `errors`, and changes
  nothing. The code is `UNAUTHENTICATED` without a token, `FORBIDDEN` with a token, and `NOT_FOUND` for an
  object that the viewer is not allowed to see.
- If a course is hidden, so are its runs and reviews. Students can still see their own enrolments and reviews,
  and the courses that these belong to, even if a course is archived.
- Instructors can see their drafts and archived courses by ID, by slug, and in the `courses` field of an
  instructor. The catalogue (`courses`, `category.courses`) and the reviews of a student show drafts and
  archived courses only to staff.
"""


def document() -> str:
    """Returns the text of docs/permissions.md."""
    return "\n".join([_PREFACE, *(line for group in GROUPS for line in _section(group))])


def _section(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield "| field or mutation | to … | anonymous | student | instructor | staff |"
    yield "|---|---|---|---|---|---|"
    for name, rule in group.rules.items():
        student, instructor = (_cell(getattr(rule, role), role, group) for role in ("student", "instructor"))
        yield f"| `{name}` | {rule.action} | {rule.public} | {student} | {instructor} | {rule.staff} |"
    yield ""


def _cell(grant: Grant, role: str, group: Group) -> str:
    return group.own[role] if grant == "own" else grant


if __name__ == "__main__":
    print(document(), end="")
