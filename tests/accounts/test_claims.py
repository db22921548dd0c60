"""A verified address claims the student whom an import brought, with all that is theirs."""

from asyncio import create_task, gather
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from bson import ObjectId

from app.commands.people import account_changes
from loaders import course_writes, people
from loaders.model import ANONYMOUS_STUDENT
from loaders.mongo import Database, Destinations, Transaction, transaction
from loaders.people import merging
from loaders.recounting import recount
from loaders.text import name_keys
from tests import factories
from tests.accounts.support import Doc, link, outbox
from tests.accounts.test_verification import verify
from tests.support import RunQuery
from tests.writes.sessions import EMAIL, PASSWORD, Gateway, codes
from tests.writes.support import STAFF, course_id, review_of, run_of, stored

DAY = datetime(2026, 1, 2)
IMPORTED, OTHER = {"source": "school", "id": "s1"}, {"source": "school", "id": "s2"}
ME = """{ viewer { student { id name country bio enrollments { totalCount nodes { status course { slug } } }
  reviews { totalCount } } wishlist { totalCount } } }"""
LOG = "{ auditLog { nodes { action changes { collection } } } }"


def imported(name: str = "Ada Lovelace", **fields: Any) -> Doc:
    return factories.student(name, **{"email": EMAIL, "externalId": IMPORTED, **fields})


def external(number: int = 1) -> Doc:
    return {"externalId": {"source": "school", "id": str(number)}}


def native(document: Doc) -> Doc:
    return {key: value for key, value in document.items() if key != "externalId"}


async def sign_up(gateway: Gateway, database: Database) -> tuple[Doc, Doc]:
    """Returns the session of a new account, and its student."""
    session = await gateway.sign_up()
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    student = await database["students"].find_one({"_id": account["studentId"]})
    assert student
    return session, student


async def verified(gateway: Gateway, database: Database, session: Doc) -> Doc:
    (message,) = await outbox(database)
    return await verify(gateway, session, await link(database, message))


async def me(gateway: Gateway, session: Doc) -> Doc:
    answer = (await gateway.post(ME, token=session["accessToken"])).json()
    assert "errors" not in answer
    viewer: Doc = answer["data"]["viewer"]
    return viewer


async def assert_nothing_is_left(database: Database, student: Doc) -> None:
    """Asserts that a student is gone, that nobody refers to them, and that all aggregates are right."""
    key = student["_id"]
    assert await database["students"].find_one({"_id": key}) is None
    for name in ("enrollments", "reviews"):
        assert await database[name].count_documents({"studentId": key}) == 0
    assert await database["votes"].count_documents({"_id.studentId": key}) == 0
    assert await database["wishlists"].find_one({"_id": key}) is None
    assert [difference async for difference in recount(database, fix=False)] == []


async def test_a_verified_address_claims_all_that_is_theirs(
    gateway: Gateway, database: Database, run_query: RunQuery
) -> None:
    course, other = factories.course("One"), factories.course("Two")
    run, writer = run_of(course, seats=5), factories.student()
    ada = imported(country="GB", bio="Mathematician.")
    read = review_of(course, writer)
    wish = {"courseId": other["_id"], "addedAt": factories.T0}
    await stored(
        database, courses=[course, other], courseRuns=[run], students=[ada, writer],
        enrollments=[factories.enrollment(course, ada, runId=run["_id"], **external())],
        reviews=[factories.review(course, ada), read],
        votes=[{"_id": {"reviewId": read["_id"], "studentId": ada["_id"]}}],
        wishlists=[{"_id": ada["_id"], "courses": [wish]}],
    )  # fmt: skip
    session, own = await sign_up(gateway, database)
    assert (await me(gateway, session))["student"]["enrollments"]["totalCount"] == 0

    assert codes(await verified(gateway, database, session)) == []
    person = await me(gateway, session)
    assert person["student"]["name"] == "Ada"
    assert (person["student"]["country"], person["student"]["bio"]) == ("GB", "Mathematician.")
    (place,) = person["student"]["enrollments"]["nodes"]
    assert place == {"status": "ACTIVE", "course": {"slug": course["slug"]}}
    assert person["student"]["reviews"]["totalCount"] == person["wishlist"]["totalCount"] == 1
    stays = await database["students"].find_one({"_id": own["_id"]})
    assert stays
    assert (stays["externalId"], stays["email"]) == (IMPORTED, EMAIL)
    assert await database["votes"].find().to_list(None) == [
        {"_id": {"reviewId": read["_id"], "studentId": own["_id"]}}
    ]
    await assert_nothing_is_left(database, ada)
    entries = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"]
    changed = {c["collection"] for e in entries if e["action"] == "verifyEmail" for c in e["changes"]}
    assert changed == {"accounts", "students", "enrollments", "reviews"}


async def test_a_student_without_a_name_gets_the_imported_one(gateway: Gateway, database: Database) -> None:
    await stored(database, students=[imported()])
    session, own = await sign_up(gateway, database)
    unnamed = {"$set": {"name": ANONYMOUS_STUDENT}}
    await database["students"].update_one({"_id": own["_id"]}, unnamed)
    assert codes(await verified(gateway, database, session)) == []
    stays = await database["students"].find_one({"_id": own["_id"]})
    account = await database["accounts"].find_one({"email": EMAIL})
    assert stays
    assert account
    assert stays["name"] == account["name"] == "Ada Lovelace"
    assert stays["sortName"] == name_keys({"name": "Ada Lovelace"})["sortName"]


async def test_a_mailed_reset_link_claims_too(gateway: Gateway, database: Database) -> None:
    course, ada = factories.course(), imported()
    place = factories.enrollment(course, ada, **external())
    await stored(database, courses=[course], students=[ada], enrollments=[place])
    _, own = await sign_up(gateway, database)
    await outbox(database)
    await gateway.mutate("requestPasswordReset", {"email": EMAIL})
    (message,) = await outbox(database)
    values = {"token": await link(database, message), "newPassword": "another horse battery"}
    session = await gateway.mutate("resetPassword", values)
    assert codes(session) == []
    assert (await me(gateway, session))["student"]["enrollments"]["totalCount"] == 1
    await assert_nothing_is_left(database, own)


async def test_a_changed_address_claims_too(gateway: Gateway, database: Database) -> None:
    ada = imported(email="new@example.org")
    await stored(database, students=[ada])
    session, own = await sign_up(gateway, database)
    await outbox(database)
    await gateway.mutate(
        "changeEmail", {"newEmail": "new@example.org", "password": PASSWORD}, token=session["accessToken"]
    )
    assert codes(await verified(gateway, database, session)) == []
    await assert_nothing_is_left(database, ada)
    stays = await database["students"].find_one({"_id": own["_id"]})
    assert stays
    assert stays["externalId"] == IMPORTED


# -- what both have ---------------------------------------------------------------------------------------


async def test_enrolments_that_overlap(gateway: Gateway, database: Database) -> None:
    """A course counts its student once; of two live enrolments that are not imported, one is cancelled."""
    both, twice, only = (factories.course(name, status="PUBLISHED") for name in ("both", "twice", "only"))
    run = run_of(twice, seats=2)
    ada, waiting = imported(), factories.student()
    await stored(
        database, courses=[both, twice, only], courseRuns=[run], students=[ada, waiting],
        enrollments=[
            factories.enrollment(both, ada, **external()),
            factories.enrollment(only, ada, status="COMPLETED", **external(2)),
            native(factories.enrollment(twice, ada, runId=run["_id"])),
        ],
    )  # fmt: skip
    session, own = await sign_up(gateway, database)
    in_run = {"runId": run["_id"]}
    places = [factories.enrollment(both, own), factories.enrollment(twice, own, **in_run)]
    places.append(factories.enrollment(twice, waiting, **in_run, status="WAITLISTED"))
    await database["enrollments"].insert_many([native(place) for place in places])
    [_ async for _ in recount(database, fix=True)]

    assert codes(await verified(gateway, database, session)) == []
    await assert_nothing_is_left(database, ada)
    found = await database["enrollments"].find({"studentId": own["_id"]}).to_list(None)
    assert sorted((one["courseId"] == twice["_id"], one["status"]) for one in found) == [
        (False, "ACTIVE"), (False, "ACTIVE"), (False, "COMPLETED"), (True, "ACTIVE"), (True, "CANCELLED"),
    ]  # fmt: skip
    moved_up = await database["enrollments"].find_one({"studentId": waiting["_id"]})
    assert moved_up
    assert moved_up["status"] == "ACTIVE"
    counts = {one["slug"]: one["studentCount"] for one in await database["courses"].find().to_list(None)}
    assert [counts[course["slug"]] for course in (both, twice, only)] == [1, 2, 1]


async def test_reviews_and_votes_that_overlap(gateway: Gateway, database: Database) -> None:
    """Nobody has two reviews of a course, or a vote for their own; two votes for a review count once."""
    both, other = factories.course("both"), factories.course("other")
    ada, writer = imported(), factories.student()
    theirs, kept = review_of(both, ada, rating=1), review_of(other, ada, rating=2)
    of_import, read = factories.review(both, ada), review_of(both, writer)
    await stored(
        database, courses=[both, other], students=[ada, writer], reviews=[theirs, kept, of_import, read],
    )  # fmt: skip
    session, own = await sign_up(gateway, database)
    mine = review_of(both, own, rating=5)
    votes = [(mine, ada), (kept, own), (read, ada), (read, own), (theirs, writer), (of_import, writer)]
    await database["reviews"].insert_one(mine)
    await database["votes"].insert_many(
        [{"_id": {"reviewId": of["_id"], "studentId": by["_id"]}} for of, by in votes]
    )
    [_ async for _ in recount(database, fix=True)]

    assert codes(await verified(gateway, database, session)) == []
    await assert_nothing_is_left(database, ada)
    reviews = await database["reviews"].find({"studentId": own["_id"]}).to_list(None)
    assert {one["_id"] for one in reviews} == {mine["_id"], kept["_id"], of_import["_id"]}
    found = [vote["_id"] for vote in await database["votes"].find().to_list(None)]
    left = {(vote["reviewId"], vote["studentId"]) for vote in found}
    assert left == {(read["_id"], own["_id"]), (of_import["_id"], writer["_id"])}


async def test_wishlists_that_overlap(gateway: Gateway, database: Database) -> None:
    courses = [factories.course() for _ in range(3)]
    wishes = [{"courseId": course["_id"], "addedAt": factories.T0} for course in courses]
    ada = imported()
    lists = [{"_id": ada["_id"], "courses": wishes[1:]}]
    await stored(database, courses=courses, students=[ada], wishlists=lists)
    session, own = await sign_up(gateway, database)
    await database["wishlists"].insert_one({"_id": own["_id"], "courses": wishes[:2]})
    assert codes(await verified(gateway, database, session)) == []
    await assert_nothing_is_left(database, ada)
    stays = await database["wishlists"].find_one({"_id": own["_id"]})
    assert stays
    assert [wish["courseId"] for wish in stays["courses"]] == [course["_id"] for course in courses]


async def test_what_is_written_meanwhile_is_counted_once(gateway: Gateway, database: Database) -> None:
    courses, ada = [factories.course(f"c{n}") for n in range(6)], imported()
    places = [factories.enrollment(course, ada, **external(n)) for n, course in enumerate(courses)]
    await stored(database, courses=courses, students=[ada], enrollments=places)
    session, _ = await sign_up(gateway, database)
    (message,) = await outbox(database)
    token = await link(database, message)
    query = "mutation($input: EnrollInput!) { enroll(input: $input) { errors { code } } }"
    enrolling = [
        gateway.post(query, {"input": {"courseId": course_id(course)}}, token=session["accessToken"])
        for course in courses
    ]
    verifying = create_task(verify(gateway, session, token))
    answers = await gather(*enrolling)
    payload = await verifying
    assert codes(payload) == []
    assert all(answer.json()["data"]["enroll"]["errors"] == [] for answer in answers)
    await assert_nothing_is_left(database, ada)


# -- who is not claimed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "why", ["not verified", "several", "has an account", "both have an external id", "another address"]
)
async def test_nobody_is_claimed_unless_it_is_certain(gateway: Gateway, database: Database, why: str) -> None:
    ada = imported(email="bob@example.org" if why == "another address" else EMAIL)
    students = [ada, imported(externalId={"source": "x", "id": "1"})] if why == "several" else [ada]
    await stored(database, students=students)
    session, own = await sign_up(gateway, database)
    if why == "has an account":
        account = {"_id": ObjectId(), "email": "eve@example.org", "studentId": ada["_id"]}
        await database["accounts"].insert_one(account)
    if why == "both have an external id":
        theirs = {"$set": {"externalId": {"source": "oidc", "id": "7"}}}
        await database["students"].update_one({"_id": own["_id"]}, theirs)
    if why != "not verified":
        assert codes(await verified(gateway, database, session)) == []
    assert await database["students"].count_documents({}) == len(students) + 1
    assert await database["students"].find_one({"mergedInto": {"$exists": True}}) is None


async def test_an_account_without_a_student_gets_the_imported_one(
    gateway: Gateway, database: Database
) -> None:
    ada = imported()
    await stored(database, students=[ada])
    await account_changes.create(database, EMAIL, "Ada", ["STAFF"], None)
    await gateway.mutate("requestPasswordReset", {"email": EMAIL})
    (message,) = await outbox(database)
    values = {"token": await link(database, message), "newPassword": "another horse battery"}
    assert codes(await gateway.mutate("resetPassword", values)) == []
    account = await database["accounts"].find_one({"email": EMAIL})
    assert account
    assert account["studentId"] == ada["_id"]
    assert await database["students"].count_documents({}) == 1


async def test_an_import_is_claimed_by_whoever_verified_the_address_before(
    gateway: Gateway, database: Database, run_query: RunQuery
) -> None:
    session, own = await sign_up(gateway, database)
    assert codes(await verified(gateway, database, session)) == []
    await gateway.sign_up("bob@example.org")  # who has not verified it
    course, ada, bob = factories.course(), imported(), imported(email="bob@example.org", externalId=OTHER)
    place = factories.enrollment(course, ada, **external())
    damaged = {"_id": ObjectId(bytes(11) + b"\x01"), "email": "eve@example.org", "emailVerifiedAt": DAY}
    await stored(database, courses=[course], students=[ada, bob], enrollments=[place], accounts=[damaged])
    assert await people.claim_imported(database) == 1
    assert await people.claim_imported(database) == 0
    assert (await me(gateway, session))["student"]["enrollments"]["totalCount"] == 1
    await assert_nothing_is_left(database, ada)
    assert await database["students"].find_one({"_id": bob["_id"]}) is not None
    stays = await database["students"].find_one({"_id": own["_id"]})
    assert stays
    assert stays["externalId"] == IMPORTED
    entries = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"]
    assert [entry["action"] for entry in entries].count("import") == 2


# -- merges in several steps ------------------------------------------------------------------------------


async def many(database: Database, ada: Doc) -> None:
    """Stores a student with so much that a merge takes several transactions."""
    courses = [factories.course() for _ in range(5)]
    writer = factories.student()
    read = [review_of(course, writer) for course in courses]
    await stored(
        database, courses=courses, students=[ada, writer],
        enrollments=[factories.enrollment(c, ada, **external(n)) for n, c in enumerate(courses)],
        reviews=[*read, *(factories.review(course, ada) for course in courses)],
        votes=[{"_id": {"reviewId": one["_id"], "studentId": ada["_id"]}} for one in read],
    )  # fmt: skip


async def test_a_merge_that_takes_several_transactions(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MOST_MOVED", 2)
    ada = imported()
    await many(database, ada)
    session, _ = await sign_up(gateway, database)
    assert codes(await verified(gateway, database, session)) == []
    person = (await me(gateway, session))["student"]
    assert (person["enrollments"]["totalCount"], person["reviews"]["totalCount"]) == (5, 5)
    await assert_nothing_is_left(database, ada)


@pytest.mark.parametrize("steps", range(9))
@pytest.mark.parametrize("by", ["a retry", "the command"])
async def test_an_interrupted_merge_is_continued(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch, steps: int, by: str
) -> None:
    """Wherever it is interrupted: the aggregates are right after every step."""
    monkeypatch.setattr(merging, "MOST_MOVED", 2)
    ada = imported()
    await many(database, ada)
    session, own = await sign_up(gateway, database)
    (message,) = await outbox(database)
    token, values = await link(database, message), {"idempotencyKey": "k1"}
    done = 0

    async def interrupted(tx: Transaction, stays_id: ObjectId) -> bool:
        nonlocal done
        if done == steps:
            return False
        done += 1
        return await merging.merge_step(tx, stays_id)

    with monkeypatch.context() as patched:
        patched.setattr(people, "merge_step", interrupted)
        assert codes(await verify(gateway, session, token, **values)) == []
    assert [difference async for difference in recount(database, fix=False)] == []
    if by == "a retry":
        assert codes(await verify(gateway, session, token, **values)) == []
    else:
        left = await database["students"].find_one({"mergedInto": own["_id"]})
        assert await people.finish_merges(database, "recount") == (left is not None)
    person = (await me(gateway, session))["student"]
    assert (person["enrollments"]["totalCount"], person["reviews"]["totalCount"]) == (5, 5)
    await assert_nothing_is_left(database, ada)


async def finish(database: Database, stays: Doc) -> None:
    """Does what is left to do for the student who stays, as the mutation does that has begun a merge."""
    while await transaction(database, partial(people.merge_step, stays_id=stays["_id"])):
        pass


async def test_messages_that_wait_get_to_the_student_who_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those that wait: what was sent stays as it was."""
    monkeypatch.setattr(database, "destinations", Destinations(has_messages=True))
    stays, goes, other = (factories.student() for _ in range(3))
    course = factories.course()
    run = run_of(course, seats=3)
    places = [factories.enrollment(course, one, runId=run["_id"]) for one in (goes, other)]
    await stored(database, courses=[course], courseRuns=[run], students=[stays, goes, other])
    await database["enrollments"].insert_many(places)

    async def cancel(tx: Transaction) -> None:
        await course_writes.cancel_run(tx, await tx.get("courseRuns", run["_id"]))

    async def begin(tx: Transaction) -> None:
        await merging.begin_merge(
            tx, await tx.get("students", stays["_id"]), await tx.get("students", goes["_id"])
        )

    await transaction(database, cancel)
    (written,) = await database["outbox"].find({"people": goes["_id"]}).to_list(None)
    await database["outbox"].insert_one({**written, "_id": ObjectId(), "state": "SENT"})
    await transaction(database, begin)
    found = await database["outbox"].find().to_list(None)
    told = sorted((one["state"], one["data"]["studentId"], *one["people"]) for one in found)
    of = [("PENDING", other), ("PENDING", stays), ("SENT", goes)]
    assert told == sorted((state, one["_id"], one["_id"]) for state, one in of)


async def test_who_is_merged_into_a_student_who_goes_gets_to_the_one_who_stays(database: Database) -> None:
    """A merge that was interrupted, or is still under way, when the next one begins."""
    course = factories.course()
    first, second, third = (factories.student(name) for name in ("first", "second", "third"))
    place = native(factories.enrollment(course, first))
    await stored(database, courses=[course], students=[first, second, third], enrollments=[place])
    [_ async for _ in recount(database, fix=True)]

    async def begin(tx: Transaction, stays: Doc, goes: Doc) -> None:
        await merging.begin_merge(
            tx, await tx.get("students", stays["_id"]), await tx.get("students", goes["_id"])
        )

    await transaction(database, partial(begin, stays=second, goes=first))
    await transaction(database, partial(begin, stays=third, goes=second))
    await finish(database, third)
    await people.finish_merges(database, "recount")
    for gone in (first, second):
        await assert_nothing_is_left(database, gone)
    moved = await database["enrollments"].find_one({"_id": place["_id"]})
    assert moved
    assert moved["studentId"] == third["_id"]


async def test_a_step_of_a_merge_is_not_committed_after_another_target_is_set(database: Database) -> None:
    course = factories.course()
    first, second, third = (factories.student(name) for name in ("first", "second", "third"))
    place = native(factories.enrollment(course, first))
    merging_ = {**first, "mergedInto": second["_id"]}
    await stored(database, courses=[course], students=[second, merging_, third], enrollments=[place])
    [_ async for _ in recount(database, fix=True)]
    attempts = 0

    async def step(tx: Transaction) -> bool:
        nonlocal attempts
        attempts += 1
        own = await tx.get("students", first["_id"])
        if attempts == 1:
            await transaction(database, begin)
            while await database["students"].find_one(
                {"_id": second["_id"]}
            ):  # who is found before the first
                await transaction(database, partial(people.merge_step, stays_id=third["_id"]))
        return own is not None and await people.merge_step(tx, second["_id"])

    async def begin(tx: Transaction) -> None:
        await merging.begin_merge(
            tx, await tx.get("students", third["_id"]), await tx.get("students", second["_id"])
        )

    assert await transaction(database, step) is False
    await finish(database, third)
    for gone in (first, second):
        await assert_nothing_is_left(database, gone)


async def test_a_step_without_a_merge_does_nothing(database: Database) -> None:
    async def step(tx: Transaction) -> bool:
        return await people.merge_step(tx, ObjectId())

    assert await transaction(database, step) is False
    assert await people.finish_merges(database, "recount") == 0
