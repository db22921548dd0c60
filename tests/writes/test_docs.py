"""The operations in docs/identity.md, docs/writes.md and docs/desk.md run exactly as documented."""

import re
from datetime import timedelta
from pathlib import Path

from app.delivery.messages.address_limits import LIMITS
from loaders.accounts import LINK_LASTS
from loaders.accounts.account_tokens import MOST_LINKS
from loaders.mongo.database import Database
from loaders.people.merging import MOST_MOVED
from resolvers.context import DEFAULT_LIMITS, Viewer
from resolvers.networks import SHARES
from resolvers.relay import encode_id
from resolvers.signing_in import login_throttle, message_limits
from tests import factories
from tests.support import TOKENS
from tests.writes.support import STAFF, Gateway, as_student, course_id, run_id, run_of, stored

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str) -> dict[str, str]:
    """Returns the operations of a page by name."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```graphql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {re.findall(r"(?:query|mutation) (\w+)", block)[0]: block for block in blocks}


async def test_identity(gateway: Gateway) -> None:
    shown = examples("identity.md")
    assert shown.keys() == {"SignUp", "Refresh", "Sessions", "End", "Verify"}
    signed_up = (await gateway.ask(shown["SignUp"]))["signUp"]
    assert signed_up["errors"] == []
    assert signed_up["viewer"]["student"]["email"] == "ada@example.org"
    variables = {"token": signed_up["refreshToken"], "key": "1f0c"}
    first = (await gateway.ask(shown["Refresh"], variables))["refreshSession"]
    again = (await gateway.ask(shown["Refresh"], variables))["refreshSession"]
    assert first["errors"] == again["errors"] == []
    assert first["refreshToken"] == again["refreshToken"] != signed_up["refreshToken"]
    viewer = TOKENS.viewer(signed_up["accessToken"])
    person = (await gateway.ask(shown["Sessions"], viewer=viewer))["viewer"]
    assert (person["name"], person["email"], person["emailVerified"]) == ("Ada", "ada@example.org", False)
    (session,) = person["sessions"]
    assert session["current"]
    ended = await gateway.ask(shown["End"], {"session": session["id"], "key": "2b"}, viewer)
    assert ended["endSession"] == {"viewer": {"sessions": []}, "errors": []}
    known = 'email: "ada@example.org", password: "correct horse battery"'
    signed_in = await gateway.ask(f"mutation {{ signIn(input: {{{known}}}) {{ accessToken }} }}")
    viewer = TOKENS.viewer(signed_in["signIn"]["accessToken"])
    answer = await gateway.ask(shown["Verify"], {"token": "x", "key": "3c"}, viewer)
    assert [error["code"] for error in answer["verifyEmail"]["errors"]] == ["EXPIRED"]


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


async def test_runs_and_places_at_the_desk(gateway: Gateway, database: Database) -> None:
    shown = examples("desk.md")
    course, student = factories.course(), factories.student("Ada")
    run, other = run_of(course, seats=1), run_of(course, seats=1)
    await stored(database, courses=[course], students=[student], courseRuns=[run, other])
    place = {"student": encode_id("Student", student), "course": course_id(course), "run": run_id(run)}
    enrolled = (await gateway.ask(shown["EnrollStudent"], place, STAFF))["enrollStudent"]
    assert enrolled["enrollment"]["status"] == "ACTIVE"
    node = (await gateway.ask(shown["Roster"], {"run": run_id(run)}, STAFF))["node"]
    assert node["enrollments"]["totalCount"] == 1
    assert node["enrollments"]["nodes"][0]["student"]["name"] == "Ada"
    target = {"enrollment": enrolled["enrollment"]["id"], "run": run_id(other)}
    moved = (await gateway.ask(shown["MoveEnrollment"], target, STAFF))["moveEnrollment"]
    assert moved["enrollment"]["run"]["seatsLeft"] == 0
    listed = (await gateway.ask(shown["Runs"], {"slug": course["slug"]}, STAFF))["course"]
    assert listed["id"] == course_id(course)
    assert {one["id"] for one in listed["runs"]["nodes"]} == {run_id(run), run_id(other)}
    cancelled = (await gateway.ask(shown["CancelRun"], {"run": run_id(run)}, STAFF))["cancelCourseRun"]
    assert cancelled["courseRun"] == {"status": "CANCELLED", "seatsLeft": 0, "waitlistCount": 0}


async def test_desk(gateway: Gateway, database: Database) -> None:
    web, data = factories.category("web"), factories.category("data")
    await stored(database, categories=[web, data], courses=[factories.course(categorySlug="data")])
    variables = {"from": encode_id("Category", data), "into": encode_id("Category", web)}
    merged = (await gateway.ask(examples("desk.md")["Merge"], variables, STAFF))["mergeCategories"]
    assert merged == {"category": {"slug": "web", "courseCount": 1}, "errors": []}


async def test_people_at_the_desk(gateway: Gateway, database: Database) -> None:
    shown = examples("desk.md")
    account, imported = factories.account("Grace", roles=["STAFF"]), factories.instructor("Grace H.")
    other = factories.account("Root", roles=["STAFF"])
    await stored(database, accounts=[account, other], instructors=[imported])
    found = (await gateway.ask(shown["Find"], {"search": "grace@example.org"}, STAFF))["accounts"]["nodes"]
    assert [(one["name"], one["roles"]) for one in found] == [("Grace", ["STAFF"])]
    link = {"account": found[0]["id"], "instructor": encode_id("Instructor", imported), "key": "1"}
    linked = (await gateway.ask(shown["Link"], link, STAFF))["linkAccount"]
    assert linked["account"] == {"roles": ["INSTRUCTOR", "STAFF"], "instructor": {"name": "Grace H."}}
    change = {"account": found[0]["id"], "key": "2"}
    changed = (await gateway.ask(shown["Change"], change, STAFF))["updateAccount"]
    assert changed["account"] == {"roles": ["STUDENT", "INSTRUCTOR"], "status": "ACTIVE"}
    staff = Viewer(frozenset({"STAFF"}), subject=str(other["_id"]))
    await gateway.done(staff, "updateAccount", accountId=found[0]["id"], status="DEACTIVATED")
    about = {"email": "root@example.org", "from": "2026-01-01T00:00:00Z"}
    (entry,) = (await gateway.ask(shown["WhatTheyDid"], about, STAFF))["auditLog"]["nodes"]
    assert (entry["action"], entry["changes"][0]["node"]["id"]) == ("updateAccount", found[0]["id"])


async def test_a_course_at_the_desk(gateway: Gateway, database: Database) -> None:
    shown = examples("desk.md")
    root = factories.account("Root", roles=["STAFF"])
    await stored(database, accounts=[root])
    staff = Viewer(frozenset({"STAFF"}), subject=str(root["_id"]))
    made = (await gateway.ask(shown["CreateCategory"], {"name": "Data"}, staff))["createCategory"]
    variables = {"title": "MongoDB", "category": made["category"]["id"]}
    created = (await gateway.ask(shown["CreateCourse"], variables, staff))["createCourse"]
    assert (created["course"]["status"], created["course"]["price"]["formatted"]) == ("DRAFT", "€499.00")
    course = {"course": created["course"]["id"]}
    priced = (await gateway.ask(shown["SetPrice"], course, staff))["updateCourse"]
    assert priced["course"]["price"]["formatted"] == "€599.00"
    published = (await gateway.ask(shown["Publish"], course, staff))["publishCourse"]
    assert published == {"course": {"status": "PUBLISHED"}, "errors": []}
    added = (await gateway.ask(shown["AddRun"], course, staff))["createCourseRun"]
    assert (added["courseRun"]["startsAt"], added["courseRun"]["seatsLeft"]) == ("2027-03-01T08:00:00Z", 12)
    (entry,) = (await gateway.ask(shown["WhoChangedIt"], course, staff))["auditLog"]["nodes"]
    assert (entry["action"], entry["actor"]["name"]) == ("updateCourse", "Root")
    (change,) = entry["changes"]
    prices = [change[when]["price"]["amountMinor"] for when in ("before", "after")]
    assert prices == [49_900, 59_900]


def test_the_limits_of_networks() -> None:
    text = (DOCS / "identity.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| an [^|]*IPv6 /(\d+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    per_hour, per_network = DEFAULT_LIMITS.sign_ups_per_hour, login_throttle.MAX_PER_NETWORK
    assert [[int(value.replace(",", "")) for value in row] for row in rows] == [
        [prefix, times, times * per_hour, times * per_network, times * message_limits.MAX_PER_NETWORK]
        for prefix, times in SHARES
    ]
    assert per_network == login_throttle.MAX_WRONG_LINKS


def test_the_limits_of_links_and_messages() -> None:
    text = " ".join((DOCS / "identity.md").read_text(encoding="utf-8").split())
    hour, day, number = message_limits.MAX_PER_HOUR, message_limits.MAX_PER_DAY, message_limits.MAX_MESSAGES
    network = message_limits.MAX_PER_NETWORK
    assert f"One network can ask for {network} messages in an hour" in text
    assert f"request for {number}; then the answer is `RATE_LIMITED`" in text
    site = message_limits.MAX_PER_SITE
    assert f"at most {hour} messages of a kind in an hour and {day} in a day, {site} of them" in text
    moved_up, *others = LIMITS["moved_up"], *(most for kind, most in LIMITS.items() if kind != "moved_up")
    assert {*others} == {(3, 10)}
    assert moved_up == (10, 30)
    assert "3 messages in an hour and 10 in a day for each of" in text
    assert "and 10 and 30 for `moved_up`" in text
    assert (MOST_LINKS, MOST_MOVED) == (3, 500)
    lasts = {"VERIFY": "3 days", "RESET": "1 hour", "CHANGE_EMAIL": "1 day"}
    shown = re.findall(r"\| `(\w+)`; the link goes to the new address \| ([^|]+) \|", text)
    shown += re.findall(r"everyone \| `(\w+)` \| ([^|]+) \|", text)
    assert {(name, valid) for name, valid in shown} == {
        ("verifyEmail", lasts["CHANGE_EMAIL"]),
        ("verifyEmail", lasts["VERIFY"]),
        ("resetPassword", lasts["RESET"]),
    }
    assert {purpose: _written(time) for purpose, time in LINK_LASTS.items()} == lasts


def _written(time: timedelta) -> str:
    """Returns a time as the documentation has it."""
    number, unit = (time.days, "day") if time.days else (time.seconds // 3600, "hour")
    return f"{number} {unit}{'s' if number > 1 else ''}"
