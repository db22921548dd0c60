"""A person who writes something of their own wherever they can, over HTTP."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bson import ObjectId

from loaders.mongo import Database
from resolvers.schema import schema
from tests import factories
from tests.erasure.marks import ADDRESS, EMAIL, MARKER, NEW_EMAIL, NUMBERS, PASSWORD, is_marked
from tests.support import TOKENS
from tests.writes.sessions import Gateway
from tests.writes.support import DAY, SOON, STAFF, course_id, review_id, review_of, run_id, run_of, stored

_HEADERS = {"user-agent": f"{MARKER} agent", "accept-language": "de", "x-forwarded-for": ADDRESS}
_NEW_PASSWORD = f"{MARKER} new battery"
_number = count()


@dataclass
class World:
    """What others have written: courses by what the person does with them, and two other students."""

    courses: dict[str, dict[str, Any]]
    runs: dict[str, dict[str, Any]]
    others: list[dict[str, Any]]
    review: dict[str, Any]


@dataclass
class Person:
    """Writes as a person. written: the fields into which they have written something of their own."""

    gateway: Gateway
    database: Database
    token: str = ""
    written: set[tuple[str, str]] = field(default_factory=set)
    student_id: ObjectId = field(default_factory=ObjectId)
    account_id: ObjectId = field(default_factory=ObjectId)

    async def write(self, name: str, selected: str = "", /, **values: Any) -> Any:
        """Runs a mutation, which must succeed, and returns its payload."""
        values = {"clientMutationId": f"{MARKER} {name}", **values}
        if name not in ("signIn", "signOut", "changePassword", "resetPassword"):
            values["idempotencyKey"] = f"{MARKER}{next(_number)}"
        self.written |= {(name, key) for key, value in values.items() if is_marked(value) or key in NUMBERS}
        mutation = schema.mutation_type
        assert mutation is not None
        input_type = mutation.fields[name].args["input"].type
        query = (
            f"mutation($i: {input_type}) {{ {name}(input: $i) {{ {selected} errors {{ code message }} }} }}"
        )
        answer = (await self.gateway.post(query, {"i": values}, token=self.token or None, **_HEADERS)).json()
        assert "errors" not in answer, answer
        payload = answer["data"][name]
        assert payload["errors"] == [], (name, payload)
        return payload

    async def sign_in(self, name: str, /, **values: Any) -> str:
        """Runs a mutation that begins a session, whose access token is used from then on.

        Returns its refresh token.
        """
        payload = await self.write(name, "accessToken refreshToken", **values)
        self.token = payload["accessToken"]
        refresh_token: str = payload["refreshToken"]
        return refresh_token

    async def link(self, kind: str, address: str) -> str:
        """Waits for a message with a link, and returns the token in it."""
        token: str = await self._links(kind, address)
        return token

    _links: Callable[..., Any] = field(kw_only=True)


async def world(database: Database) -> World:
    """Stores what others have written."""
    names = (
        "past", "own pace", "seat", "waiting", "cancel", "wish", "unwish", "delete", "other",
    )  # fmt: skip
    courses = {name: factories.course(name.title()) for name in names}
    runs = {
        "past": run_of(courses["past"], seats=5),
        "seat": run_of(courses["seat"], seats=1),
        "waiting": run_of(courses["waiting"], seats=1),
        "cancel": run_of(courses["cancel"], seats=1),
    }
    others = [factories.student(f"Other {number}", email=f"o{number}@example.com") for number in range(2)]
    review = review_of(courses["other"], others[0], rating=3, title="Fine", body="Fine.")
    places = [
        factories.enrollment(courses["waiting"], others[0], runId=runs["waiting"]["_id"], status="ACTIVE")
    ]
    await stored(
        database, courses=list(courses.values()), courseRuns=list(runs.values()), students=others,
        reviews=[review], enrollments=places,
    )  # fmt: skip
    return World(courses, runs, others, review)


async def write_everywhere(person: Person, world: World) -> None:
    """Has a person sign up, and write something of their own into everything they can."""
    database, runs = person.database, world.runs
    refresh = await person.sign_in(
        "signUp", name=f"Ada {MARKER}", email=EMAIL, password=PASSWORD, country="AQ"
    )
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    person.account_id, person.student_id = account["_id"], account["studentId"]
    await person.write("resendVerification", email=EMAIL)
    await person.write("verifyEmail", token=await person.link("verify_email", EMAIL))
    await person.write(
        "updateProfile",
        name=f"Ada B. {MARKER}",
        bio=f"I am {MARKER}",
        country="AQ",
        avatarUrl=f"https://example.org/{MARKER}",
    )
    await _write_about_courses(person, world)
    await person.sign_in("refreshSession", refreshToken=refresh)
    await person.sign_in("signIn", email=EMAIL, password=PASSWORD)
    sessions = await database["sessions"].find({"accountId": person.account_id}).to_list(None)
    await person.write("endSession", sessionId=str(sessions[0]["_id"]))
    await person.write("changePassword", currentPassword=PASSWORD, newPassword=_NEW_PASSWORD)
    await person.write("requestPasswordReset", email=EMAIL)
    token = await person.link("reset_password", EMAIL)
    await person.sign_in("resetPassword", token=token, newPassword=PASSWORD)
    await person.write("changeEmail", newEmail=NEW_EMAIL, password=PASSWORD)
    await person.write("verifyEmail", token=await person.link("change_email", NEW_EMAIL))
    await person.write("changeEmail", newEmail=f"third{NEW_EMAIL}", password=PASSWORD)
    refresh = await person.sign_in("signIn", email=NEW_EMAIL, password=PASSWORD)
    await person.write("signOut", refreshToken=refresh)
    await person.sign_in("signIn", email=NEW_EMAIL, password=PASSWORD)
    await database["courseRuns"].update_one(
        {"_id": runs["past"]["_id"]}, {"$set": {"startsAt": SOON - 60 * DAY}}
    )
    await stored(database)  # the run has begun


async def _write_about_courses(person: Person, world: World) -> None:
    courses, runs = {name: course_id(one) for name, one in world.courses.items()}, world.runs
    await person.write("enroll", courseId=courses["own pace"])
    await person.write("enroll", courseId=courses["past"], runId=run_id(runs["past"]))
    await person.write("enroll", courseId=courses["seat"], runId=run_id(runs["seat"]))
    await person.write(
        "enroll", courseId=courses["waiting"], runId=run_id(runs["waiting"]), joinWaitlist=True
    )
    place = await person.write(
        "enroll", "enrollment { id }", courseId=courses["cancel"], runId=run_id(runs["cancel"])
    )
    await person.write("cancelEnrollment", enrollmentId=place["enrollment"]["id"])
    own = await person.write("enroll", "enrollment { id }", courseId=courses["delete"])
    await person.write("updateProgress", enrollmentId=own["enrollment"]["id"], progress=0.5)
    said = {
        "title": MARKER,
        "body": f"It is {MARKER}",
        "term": "1901-3",
        "difficulty": 4,
        "workloadHours": 13.25,
    }
    review = await person.write(
        "createReview", "review { id }", courseId=courses["own pace"], rating=5, **said
    )
    more = {**said, "title": f"More {MARKER}", "body": f"More {MARKER}"}
    await person.write("updateReview", reviewId=review["review"]["id"], rating=2, **more)
    gone = await person.write("createReview", "review { id }", courseId=courses["delete"], rating=1, **said)
    await person.write("deleteReview", reviewId=gone["review"]["id"])
    for name in ("wish", "unwish"):
        await person.write("addToWishlist", courseId=courses[name])
    await person.write("removeFromWishlist", courseId=courses["unwish"])
    await person.write("markReviewHelpful", reviewId=review_id(world.review))
    await person.write("flagReview", reviewId=review_id(world.review))


async def moderate(person: Person) -> None:
    """Has staff write about the person's review."""
    review = await person.database["reviews"].find_one({"studentId": person.student_id})
    assert review
    query = (
        "mutation($i: ModerateReviewInput!) { moderateReview(input: $i) { review { title body } "
        "errors { code } } }"
    )
    values = {
        "reviewId": review_id(review), "status": "PUBLISHED", "reason": f"By {MARKER}",
        "idempotencyKey": "s1",
    }  # fmt: skip
    answer = (await person.gateway.post(query, {"i": values}, token=TOKENS.access(STAFF).text)).json()
    assert answer["data"]["moderateReview"]["errors"] == []


def token_in(text: str) -> str:
    match = re.search(r"#([\w-]{43})(?:\s|$)", text)
    assert match, text
    return match[1]


async def until(condition: Callable[[], Any]) -> Any:
    """Waits until an asynchronous condition is true, and returns what it returned."""
    async with asyncio.timeout(60):
        while not (value := await condition()):  # noqa: ASYNC110 # what it depends on sets no event
            await asyncio.sleep(0.05)
    return value
