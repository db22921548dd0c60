"""Prerequisites as a graph: which ones are part of a cycle, and what linking a file sends."""

from collections.abc import Mapping

from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from loaders.mongo import Database
from loaders.transfer import CourseGraph, Incoming, Prerequisites
from tests import factories
from tests.factories import store

GRAPHS = st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9)), max_size=10)


def reachable(graph: Mapping[int, set[int]], start: int) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


@given(GRAPHS)
def test_a_prerequisite_leads_back_if_its_course_can_be_reached_from_it(graph: dict[int, set[int]]) -> None:
    made = CourseGraph()
    for course, prerequisites in graph.items():
        made.add(course, prerequisites)
    made.find_cycles()
    for course, prerequisites in graph.items():
        for prerequisite in prerequisites:
            assert made.leads_back(course, prerequisite) is (course in reachable(graph, prerequisite))


@given(GRAPHS)
def test_without_those_that_lead_back_there_is_no_cycle(graph: dict[int, set[int]]) -> None:
    made = CourseGraph()
    for course, prerequisites in graph.items():
        made.add(course, prerequisites)
    made.find_cycles()
    kept = {c: {p for p in of if not made.leads_back(c, p)} for c, of in graph.items()}
    assert all(course not in reachable(kept, p) for course, of in kept.items() for p in of)


def test_a_long_chain_needs_no_recursion() -> None:
    length, chain = 50_000, CourseGraph()
    for course in range(1, length):
        chain.add(course, [course + 1])
    chain.find_cycles()
    assert not chain.leads_back(1, 2)
    chain.add(length, [1])
    chain.find_cycles()
    assert chain.leads_back(1, 2)


async def test_linking_one_course_sends_as_many_commands_however_many_others_there_are(
    database: Database, mongo_commands: list[str]
) -> None:
    """Those of its own file and of its chain of prerequisites count, not those beside them."""
    for size in (5, 50):
        await factories.clear(database)
        ids = [ObjectId() for _ in range(size + 3)]
        others = [factories.course(_id=own, prerequisiteIds=ids[:n][:20]) for n, own in enumerate(ids[3:])]
        chain = [
            factories.course(_id=own, prerequisiteIds=ids[n + 1 : n + 2]) for n, own in enumerate(ids[:3])
        ]
        chain[2]["prerequisiteIds"] = []
        own = factories.course(externalId={"source": "s", "id": "own"})
        await store(database, courses=[*chain, *others, own])
        mongo_commands.clear()
        with Prerequisites(database, "s") as prerequisites:
            course = Incoming(1, ("s", "own"), {}, prerequisites=[chain[0]["slug"], "unknown"])
            prerequisites.add(course, "unchanged")
            linked = await prerequisites.link()
        assert (linked.changed, [*linked.notes.values()]) == (1, [1])
        # the course; what it refers to, by id and by slug; the three courses of the chain; the write
        assert mongo_commands == ["find courses"] * 6 + ["update courses"]
        stored = await database["courses"].find_one({"_id": own["_id"]})
        assert stored
        assert stored["prerequisiteIds"] == [ids[0]]


async def test_without_prerequisites_nothing_is_sent(database: Database, mongo_commands: list[str]) -> None:
    mongo_commands.clear()
    with Prerequisites(database, "s") as prerequisites:
        prerequisites.add(Incoming(1, ("s", "own"), {}), "created")
        await prerequisites.link()
    assert mongo_commands == []
