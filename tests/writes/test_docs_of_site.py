"""The operations in docs/site.md run exactly as documented, in the order in which a visitor gets to them."""

import json
import re

from loaders.mongo.database import Database
from resolvers.relay import encode_id
from resolvers.schema import schema
from tests import factories
from tests.writes.support import Gateway, as_student, course_id, run_id, run_of, stored
from tests.writes.test_docs import DOCS, examples

PAGE = DOCS / "site.md"


async def test_the_catalogue_and_a_course(gateway: Gateway, database: Database) -> None:
    shown = examples("site.md")
    course = factories.course(title="Python from Scratch", categorySlug="data", level="BEGINNER")
    await stored(database, categories=[factories.category("data")], courses=[course])
    listed = (await gateway.ask(shown["Catalogue"]))["courses"]
    assert [one["slug"] for one in listed["nodes"]] == [course["slug"]]
    assert [one["value"] for one in listed["facets"]["categories"]] == ["data"]
    assert [one["value"] for one in listed["facets"]["levels"]] == ["BEGINNER"]
    variables = json.loads(re.findall(r"^```json\n(.*?)^```", _text(), re.MULTILINE | re.DOTALL)[0])
    # The course has no rating.
    assert (await gateway.ask(shown["Catalogue"], variables))["courses"]["totalCount"] == 0
    del variables["filter"]["minRating"]
    assert (await gateway.ask(shown["Catalogue"], variables))["courses"]["totalCount"] == 1

    page = (await gateway.ask(shown["CoursePage"], {"slug": course["slug"]}))["course"]
    assert page["id"] == course_id(course)
    about_the_viewer = {name: value for name, value in page.items() if name.startswith("viewer")}
    assert about_the_viewer == {
        "viewerHasWishlisted": False,
        "viewerCanReview": False,
        "viewerEnrollment": None,
        "viewerReview": None,
    }


async def test_places_wishes_and_flags(gateway: Gateway, database: Database) -> None:
    shown = examples("site.md")
    course, ada, bob = factories.course(), factories.student("Ada"), factories.student("Bob")
    run, review = run_of(course, seats=1), factories.review(course, bob)
    await stored(database, courses=[course], students=[ada, bob], courseRuns=[run], reviews=[review])
    wanted = {"course": course_id(course), "run": run_id(run), "key": "1"}
    enrolled = (await gateway.ask(shown["Enroll"], wanted, as_student(bob)))["enroll"]
    assert enrolled["errors"] == []
    (error,) = (await gateway.ask(shown["Enroll"], wanted, as_student(ada)))["enroll"]["errors"]
    assert error["code"] == "SEATS_TAKEN"
    assert error["message"] == "All seats in this run are taken: choose the waitlist or another run."
    waiting = shown["Enroll"].replace("joinWaitlist: false", "joinWaitlist: true")
    placed = (await gateway.ask(waiting, wanted, as_student(ada)))["enroll"]["enrollment"]
    assert (placed["status"], placed["waitlistPosition"]) == ("WAITLISTED", 1)
    (mine,) = (await gateway.ask(shown["MyCourses"], viewer=as_student(ada)))["viewer"]["student"][
        "enrollments"
    ]["nodes"]
    assert (mine["id"], mine["course"]["slug"]) == (placed["id"], course["slug"])

    wished = await gateway.ask(shown["Wish"], {"course": course_id(course), "key": "2"}, as_student(ada))
    assert wished["addToWishlist"]["course"] == {"id": course_id(course), "viewerHasWishlisted": True}
    of_bob = {"review": encode_id("Review", review), "key": "3"}
    flagged = (await gateway.ask(shown["Flag"], of_bob, as_student(ada)))["flagReview"]
    assert flagged == {"review": {"id": of_bob["review"]}, "errors": []}


async def test_a_forgotten_password(gateway: Gateway) -> None:
    shown = examples("site.md")
    asked = await gateway.ask(shown["Forgot"], {"email": "ada@example.org", "key": "1"})
    # This gateway sends no messages, and says so.
    assert [error["code"] for error in asked["requestPasswordReset"]["errors"]] == ["FORBIDDEN"]
    answer = await gateway.ask(shown["SetPassword"], {"token": "x", "password": "correct horse battery"})
    assert [error["code"] for error in answer["resetPassword"]["errors"]] == ["EXPIRED"]


def test_every_operation_in_the_table_exists() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| \[(?:below|identity)\]", _text(), re.MULTILINE)
    named = {re.match(r"\w+", code)[0] for row in rows for code in re.findall(r"`([^`]+)`", row)}  # type: ignore[index]
    fields = {*schema.query_type.fields, *schema.mutation_type.fields}  # type: ignore[union-attr]
    parts = {"facets", "runs", "reviews", "relatedCourses"}
    assert len(named) > 20
    assert named - parts <= fields


def _text() -> str:
    return PAGE.read_text(encoding="utf-8")
