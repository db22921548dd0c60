"""Erasing a student who signs in through an external issuer, and has no account here."""

from loaders.mongo import Database
from resolvers.context import Viewer
from resolvers.relay import encode_id
from tests import factories
from tests.erasure.marks import MARKER, found
from tests.support import TOKENS
from tests.writes.sessions import Gateway
from tests.writes.support import STAFF, review_id, review_of, stored

ADA = factories.student("Ada", externalId={"source": "sso", "id": MARKER})
VIEWER = Viewer(frozenset({"STUDENT"}), student_id=ADA["_id"], subject=f"https://sso.example|{MARKER}")


async def test_keys_and_flags_of_an_external_identity_are_gone(gateway: Gateway, database: Database) -> None:
    course, other = factories.course(), factories.student("Bob")
    review = review_of(course, other, rating=3)
    await stored(database, courses=[course], students=[ADA, other], reviews=[review])
    await write(gateway, "updateProfile", name="Ada")  # which is her name already, so the log has no entry
    assert await found(database) == {
        "students.externalId.id", "idempotencyKeys._id.viewer",
        "idempotencyKeys.answer.student.externalId.id",
    }  # fmt: skip
    await write(gateway, "flagReview", reviewId=review_id(review))
    assert await found(database) >= {
        "flags._id.subject",
        "auditLog.actor.subject",
        "auditLog.changes.documentId",
    }

    query = "mutation($i: EraseStudentInput!) { eraseStudent(input: $i) { errors { code } } }"
    values = {"studentId": encode_id("Student", ADA)}
    answer = (await gateway.post(query, {"i": values}, token=TOKENS.access(STAFF).text)).json()
    assert answer["data"]["eraseStudent"]["errors"] == []
    assert await found(database) == set()
    assert await database["idempotencyKeys"].count_documents({}) == 0
    assert await database["flags"].count_documents({}) == 0
    (entry,) = await database["auditLog"].find({"action": "flagReview"}).to_list(None)
    assert entry["actor"]["subject"] == "(erased)"


async def write(gateway: Gateway, name: str, /, **values: str) -> None:
    input_type = f"{name[0].upper()}{name[1:]}Input"
    query = f"mutation($i: {input_type}!) {{ {name}(input: $i) {{ errors {{ code }} }} }}"
    keyed = {**values, "idempotencyKey": name}
    answer = (await gateway.post(query, {"i": keyed}, token=TOKENS.access(VIEWER).text)).json()
    assert answer["data"][name]["errors"] == []
