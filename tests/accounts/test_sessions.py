"""The viewer's own sessions: what is shown of them, and how one is ended."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from loaders.accounts import MOST_SESSIONS
from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests import factories
from tests.factories import T0
from tests.support import RunQuery
from tests.writes.sessions import ADDRESS, EMAIL, Gateway, codes
from tests.writes.support import STAFF, Doc, Json, Value

SESSIONS = "{ viewer { sessions { id createdAt lastSeenAt address client current } } }"
LOG = "{ auditLog { nodes { action actor { subject } changes { before after } } } }"
PERSON = "{ viewer { id name email emailVerified sessions { id } } }"
ELSEWHERE = "203.0.113.9"
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
PHONE = {"user-agent": "Campus/3.2 (iPhone)"}
NO_SUCH_SESSION = [("NOT_FOUND", "sessionId")]


async def sessions(gateway: Gateway, session: Doc) -> list[Doc]:
    answer = (await gateway.post(SESSIONS, token=session["accessToken"])).json()
    listed: list[Doc] = answer["data"]["viewer"]["sessions"]
    return listed


async def ended(gateway: Gateway, by: Doc, id: str, **more: str) -> Doc:
    return await gateway.mutate("endSession", {"sessionId": id, **more}, token=by["accessToken"])


async def refreshed(gateway: Gateway, session: Doc, address: str = ADDRESS, agent: Value = "") -> Doc:
    values = {"refreshToken": session["refreshToken"]}
    headers = {"user-agent": agent}
    return await gateway.mutate("refreshSession", values, address=address, **headers)


# -- the list -------------------------------------------------------------------------------------------


async def test_each_session_is_shown_with_the_client_that_used_it_last(
    gateway: Gateway, database: Database
) -> None:
    values = {"name": "Ada", "email": EMAIL, "password": "correct horse battery"}
    first = await gateway.mutate("signUp", values, **BROWSER)
    (began,) = await sessions(gateway, first)
    assert (began["address"], began["client"]) == (ADDRESS, BROWSER["user-agent"])
    assert began["createdAt"] == began["lastSeenAt"]
    assert (
        timedelta() <= datetime.now(UTC) - datetime.fromisoformat(began["createdAt"]) < timedelta(minutes=1)
    )

    second = await gateway.sign_in()
    earlier = {"$set": {"createdAt": T0, "lastSeenAt": T0}}
    await database["sessions"].update_one({"_id": ObjectId(began["id"])}, earlier)
    refreshed_first = await refreshed(gateway, first, ELSEWHERE, PHONE["user-agent"])
    assert refreshed_first["errors"] == []
    shown = await sessions(gateway, second)
    assert [(one["address"], one["client"], one["current"]) for one in shown] == [
        (ELSEWHERE, PHONE["user-agent"], False),
        (ADDRESS, shown[1]["client"], True),
    ]
    assert shown[0]["id"] == began["id"]
    assert datetime.fromisoformat(shown[0]["createdAt"]) == T0
    assert datetime.fromisoformat(shown[0]["lastSeenAt"]) > T0


async def test_sessions_of_others_and_ended_and_expired_ones_are_not_shown(
    gateway: Gateway, database: Database
) -> None:
    await gateway.sign_up("bob@example.org")
    first, second, third = await gateway.sign_up(), await gateway.sign_in(), await gateway.sign_in()
    assert len(await sessions(gateway, first)) == 3
    await gateway.mutate("signOut", {"refreshToken": second["refreshToken"]})
    (current,) = [one for one in await sessions(gateway, third) if one["current"]]
    await database["sessions"].update_one({"_id": ObjectId(current["id"])}, {"$set": {"expiresAt": T0}})
    assert [one["current"] for one in await sessions(gateway, first)] == [True]


async def test_at_most_a_hundred_are_shown_and_the_rest_move_up(gateway: Gateway, database: Database) -> None:
    session = await gateway.sign_up()
    (stored,) = await database["sessions"].find().to_list(None)
    others = [{**stored, "_id": ObjectId(), "lastSeenAt": T0} for _ in range(MOST_SESSIONS)]
    await database["sessions"].insert_many(others)
    shown = await sessions(gateway, session)
    assert len(shown) == MOST_SESSIONS == 100
    await ended(gateway, session, shown[1]["id"])
    assert len(await sessions(gateway, session)) == MOST_SESSIONS


async def test_a_session_of_an_earlier_version_was_seen_when_it_started(
    gateway: Gateway, database: Database
) -> None:
    session = await gateway.sign_up()
    unset = {"lastSeenAt": "", "address": "", "client": ""}
    await database["sessions"].update_many({}, {"$unset": unset})
    (shown,) = await sessions(gateway, session)
    assert shown["lastSeenAt"] == shown["createdAt"]
    assert shown["address"] is shown["client"] is None


@pytest.mark.parametrize(("sent", "shown"), [("x" * 300, "x" * 200), (" a\tb\u0085c ", "a\tbc"), ("", None)])
async def test_the_name_of_a_client_is_cut_and_has_no_control_characters(
    gateway: Gateway, sent: str, shown: str | None
) -> None:
    first = await gateway.sign_up()
    second = await refreshed(gateway, first, agent=sent.encode("latin-1"))
    assert [one["client"] for one in await sessions(gateway, second)] == [shown]


async def test_the_audit_log_does_not_repeat_where_a_session_was_used(
    gateway: Gateway, run_query: RunQuery
) -> None:
    await gateway.sign_up()
    (entry,) = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"]
    (session,) = [change["after"] for change in entry["changes"] if "expiresAt" in change["after"]]
    assert not session.keys() & {"address", "client", "lastSeenAt"}


# -- who the viewer is ------------------------------------------------------------------------------------


async def test_a_student_has_the_name_of_their_profile(gateway: Gateway) -> None:
    session = await gateway.sign_up()
    await gateway.mutate("updateProfile", {"name": "Ada L."}, token=session["accessToken"])
    person = (await gateway.post(PERSON, token=session["accessToken"])).json()["data"]["viewer"]
    assert (person["name"], person["email"], person["emailVerified"]) == ("Ada L.", EMAIL, False)
    assert ObjectId.is_valid(person["id"])


async def test_a_person_of_an_external_issuer_has_a_name_and_neither_account_nor_sessions(
    database: Database, run_query: RunQuery
) -> None:
    teacher = factories.instructor("Grace")
    await database["instructors"].insert_one(teacher)
    viewer = Viewer(frozenset({"INSTRUCTOR"}), None, teacher["_id"], "https://id.example.org|7")
    person: Json = (await run_query(PERSON, viewer=viewer))["viewer"]
    assert person == {
        "id": viewer.subject, "name": "Grace", "email": None, "emailVerified": False, "sessions": [],
    }  # fmt: skip
    staff = (await run_query(PERSON, viewer=Viewer(frozenset({"STAFF"}), subject="x|1")))["viewer"]
    assert staff["name"] == ""


async def test_staff_have_the_name_of_their_account(database: Database, run_query: RunQuery) -> None:
    account = {"_id": ObjectId(), "email": "root@example.org", "name": "Root", "emailVerifiedAt": T0}
    await database["accounts"].insert_one(account)
    viewer = Viewer(frozenset({"STAFF"}), subject=str(account["_id"]))
    person: Json = (await run_query(PERSON, viewer=viewer))["viewer"]
    assert (person["name"], person["email"], person["emailVerified"]) == ("Root", "root@example.org", True)


# -- endSession -------------------------------------------------------------------------------------------


async def test_an_ended_session_neither_writes_nor_refreshes(gateway: Gateway, run_query: RunQuery) -> None:
    lost, own = await gateway.sign_up(), await gateway.sign_in()
    (other,) = [one["id"] for one in await sessions(gateway, own) if not one["current"]]
    payload = await ended(gateway, own, other)
    assert codes(payload) == []
    assert len(payload["viewer"]["sessions"]) == 1
    assert codes(await gateway.write(lost["accessToken"])) == [("UNAUTHENTICATED",)]
    assert codes(await gateway.refresh(lost["refreshToken"])) == [("UNAUTHENTICATED", "refreshToken")]
    assert codes(await gateway.write(own["accessToken"])) == []
    entries = (await run_query(LOG, viewer=STAFF))["auditLog"]["nodes"]
    assert [entry["action"] for entry in entries[:2]] == ["updateProfile", "endSession"]
    assert entries[1]["changes"][0]["before"] == {"endedAt": None}


async def test_ending_a_session_again_is_no_error_and_changes_nothing(
    gateway: Gateway, database: Database
) -> None:
    await gateway.sign_up()
    own = await gateway.sign_in()
    (other,) = [one["id"] for one in await sessions(gateway, own) if not one["current"]]
    assert codes(await ended(gateway, own, other, idempotencyKey="k1")) == []
    before = await database["sessions"].find().to_list(None)
    assert codes(await ended(gateway, own, other, idempotencyKey="k1")) == []
    assert codes(await ended(gateway, own, other)) == []
    assert await database["sessions"].find().to_list(None) == before


async def test_a_person_can_end_the_session_that_they_use(gateway: Gateway) -> None:
    own = await gateway.sign_up()
    (current,) = await sessions(gateway, own)
    assert (await ended(gateway, own, current["id"]))["viewer"]["sessions"] == []
    assert codes(await gateway.write(own["accessToken"])) == [("UNAUTHENTICATED",)]


async def test_nobody_ends_the_session_of_another(gateway: Gateway) -> None:
    own, other = await gateway.sign_up(), await gateway.sign_up("bob@example.org")
    (of_other,) = await sessions(gateway, other)
    for wrong in (of_other["id"], str(ObjectId()), "x", "x" * 12, ""):
        assert codes(await ended(gateway, own, wrong)) == NO_SUCH_SESSION
    assert codes(await gateway.write(other["accessToken"])) == []
