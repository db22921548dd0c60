"""Erasing a student who has places in many runs, which many others want."""

from loaders.mongo import Database
from resolvers.relay import encode_id
from tests import factories
from tests.support import TOKENS
from tests.writes.sessions import Gateway
from tests.writes.support import STAFF, run_of, stored

_RUNS = 5


async def test_each_place_is_given_up_in_a_transaction_of_its_own(
    gateway: Gateway, database: Database
) -> None:
    """A transaction that changes many contended runs would conflict with others again and again."""
    ada, *others = [factories.student(f"Student {n}") for n in range(_RUNS + 1)]
    courses = [factories.course() for _ in range(_RUNS)]
    runs = [run_of(course, seats=1) for course in courses]
    taken = [
        factories.enrollment(course, ada, runId=run["_id"]) for course, run in zip(courses, runs, strict=True)
    ]
    waiting = [
        factories.enrollment(course, other, runId=run["_id"], status="WAITLISTED")
        for course, run, other in zip(courses, runs, others, strict=True)
    ]
    await stored(
        database,
        courses=courses,
        courseRuns=runs,
        students=[ada, *others],
        enrollments=[*taken, *waiting],
    )
    query = "mutation($i: EraseStudentInput!) { eraseStudent(input: $i) { errors { code } } }"
    variables = {"i": {"studentId": encode_id("Student", ada)}}

    answer = (await gateway.post(query, variables, token=TOKENS.access(STAFF).text)).json()

    assert answer["data"]["eraseStudent"]["errors"] == []
    entries = await database["auditLog"].find({"action": "eraseStudent"}).to_list(None)
    own = {str(one["_id"]) for one in taken}
    cancelled = [sum(change["documentId"] in own for change in entry["changes"]) for entry in entries]
    assert sum(cancelled) == _RUNS
    assert max(cancelled) == 1
    assert await database["enrollments"].count_documents({"status": "ACTIVE"}) == _RUNS
