"""How the cost of a request grows with its answer: 1 to 1,000 courses, with 0 to 20 reviews each.

    python -m benchmarks.growth [--seconds 0.3] [--rounds 3] [--chart docs/images/growth.svg]

An object is a course or a review in the answer. The cost is the server's CPU time, one request at a time. The
constant is the cost of the smallest request with the same levels (one course, and one review if there are
any). The cost of an object is the rest, divided by the number of objects beyond those. Growth is linear if an
object costs about the same in an answer of 100 objects and in one of 21,000.

Resident memory is reported too: after a warm-up of small answers to the same operations, which stay compiled
from then on; at its peak; and after the run.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks import data, report
from benchmarks.chart import Series, draw
from benchmarks.servers import ENGINES, LECTERN, Server, leave_a_core, running

_PAGE = 100  # the largest that Lectern takes
_WARM_UP = 20  # requests of each case
_IDLE = 5.0  # seconds
_SIGNIFICANT = 100  # objects: the cost of fewer is lost in the noise of the constant

# The limits that Lectern must keep.
_LINEAR = 1.3  # times: the cost of an object in the largest answer, relative to a small answer
_MOST_MEMORY = 150  # MB
_BACK = 1.1  # times: memory after the run, relative to memory before it


class Case(NamedTuple):
    courses: int
    reviews: int  # of each course

    @property
    def objects(self) -> int:
        return self.courses * (1 + self.reviews)

    @property
    def smallest(self) -> "Case":
        """The smallest request with the same levels."""
        return Case(1, min(self.reviews, 1))

    @property
    def body(self) -> bytes:
        return self._of_pages(min(self.courses, _PAGE), self.reviews)

    @property
    def tiny(self) -> bytes:
        """The same operation with a tiny answer."""
        return self._of_pages(1, 1)

    def _of_pages(self, first: int, reviews: int) -> bytes:
        """The request body. If one page is too small, it has pages of several categories.

        The page sizes are variables, as a client would send them.
        """
        sizes = {"first": first} | ({"reviews": reviews} if self.reviews else {})
        declared = ", ".join(f"${name}: Int" for name in sizes)
        pages = zip(range(0, self.courses, _PAGE), data.CATEGORIES, strict=False)
        text = f"query ({declared}) {{ {' '.join(self._page(category) for _, category in pages)} }}"
        return orjson.dumps({"query": text, "variables": sizes})

    def _page(self, category: str) -> str:
        reviews = "reviews(first: $reviews) { nodes { id rating title createdAt } }"
        course = f"id slug title rating {{ average }} {reviews if self.reviews else ''}"
        chosen = f'first: $first, filter: {{ categories: ["{category}"] }}'
        return f"{category}: courses({chosen}) {{ nodes {{ {course} }} }}"


CASES = [Case(courses, reviews) for reviews in (0, 1, 5, 20) for courses in (1, 5, 20, 100, 300, 1_000)]
SMALL, LARGE = Case(5, 20), Case(1_000, 20)

#: CPU milliseconds per request, by server and case.
Costs = Mapping[str, Mapping[Case, float]]


class Memory(NamedTuple):
    """Resident memory in megabytes."""

    start: float
    peak: float
    end: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.3, help="for each case, server and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chart", type=Path, help="the file for the chart, as SVG")
    arguments = parser.parse_args()
    leave_a_core()
    with data.catalogue() as uri, running(uri) as servers:
        start = [_warm(server) for server in servers]
        _check(servers)
        costs = _measure(servers, arguments.rounds, arguments.seconds)
        time.sleep(_IDLE)
        memory = {
            s.name: Memory(before, s.peak(), s.resident()) for s, before in zip(servers, start, strict=True)
        }
    _print(costs, memory)
    print(f"\nThe numbers are in {report.keep('growth', _kept(costs, memory))}.")
    if arguments.chart:
        arguments.chart.write_text(_chart(costs))


def _warm(server: Server) -> float:
    """Asks a server for small answers to every operation. Returns its resident memory afterwards."""
    for case in CASES * _WARM_UP:
        server.post(case.tiny)
    time.sleep(_IDLE)
    return server.resident()


def _check(servers: Sequence[Server]) -> None:
    """Checks that each answer has the case's number of objects, and that the servers' answers are equal."""
    for case in CASES:
        answers = [server.data(case.body) for server in servers]
        courses = [course for page in answers[0].values() for course in page["nodes"]]
        reviews = sum(len(course["reviews"]["nodes"]) for course in courses if case.reviews)
        if any(answer != answers[0] for answer in answers) or len(courses) + reviews != case.objects:
            raise SystemExit(f"The servers give different answers to {case}.")


def _measure(servers: Sequence[Server], rounds: int, seconds: float) -> Costs:
    """The medians of the rounds. The servers take turns."""
    measured = [
        {(server.name, case): _cost(server, case, seconds) for case in CASES for server in servers}
        for _ in range(rounds)
    ]
    return {
        server.name: {case: statistics.median(of[server.name, case] for of in measured) for case in CASES}
        for server in servers
    }


def _cost(server: Server, case: Case, seconds: float) -> float:
    body, requests = case.body, 0
    before, deadline = server.cpu(), time.perf_counter() + seconds
    while not requests or time.perf_counter() < deadline:
        server.post(body)
        requests += 1
    return (server.cpu() - before) / requests * 1e3


def _per_object(costs: Mapping[Case, float], case: Case) -> float:
    """The microseconds per object, beyond the constant."""
    return (costs[case] - costs[case.smallest]) / (case.objects - case.smallest.objects) * 1e3


def _print(costs: Costs, memory: Mapping[str, Memory]) -> None:
    head = ["courses", "reviews of each", "objects"]
    head += [f"{name}, {unit}" for name in costs for unit in ("ms", "µs an object")]
    print("CPU of the server: ms per request, and µs per object beyond the constant\n")
    print(report.table(head, [_row(costs, case) for case in CASES], texts=0))
    print("\nResident memory, MB\n")
    head = ["server", "after a warm-up", "at its peak", "after the run"]
    print(report.table(head, [[name, *(f"{mb:.0f}" for mb in used)] for name, used in memory.items()]))
    print("\n" + "\n".join(_verdicts(costs[LECTERN], memory[LECTERN])))


def _kept(costs: Costs, memory: Mapping[str, Memory]) -> Mapping[str, object]:
    rows = [
        {"server": name, **case._asdict(), "ms": ms}
        for name, by_case in costs.items()
        for case, ms in by_case.items()
    ]
    return {"costs": rows, "memory": {name: used._asdict() for name, used in memory.items()}}


def _row(costs: Costs, case: Case) -> list[str]:
    row = [f"{case.courses:,}", str(case.reviews), f"{case.objects:,}"]
    for by_case in costs.values():
        per_object = f"{_per_object(by_case, case):.1f}" if case.objects >= _SIGNIFICANT else ""
        row += [f"{by_case[case]:.2f}", per_object]
    return row


def _verdicts(costs: Mapping[Case, float], memory: Memory) -> Iterator[str]:
    small, large = _per_object(costs, SMALL), _per_object(costs, LARGE)
    measured = (
        f"An object costs {small:.1f} µs among {SMALL.objects:,}, and {large:.1f} µs among {LARGE.objects:,}"
    )
    yield f"{measured}: {_ratio(large / small, _LINEAR)}"
    yield f"Memory after the run, relative to before it: {_ratio(memory.end / memory.start, _BACK)}"
    passes = _passes(memory.peak, _MOST_MEMORY)
    yield f"Peak memory: {memory.peak:.0f} MB ({passes}: at most {_MOST_MEMORY} MB)"


def _ratio(ratio: float, most: float) -> str:
    return f"{ratio:.2f} times ({_passes(ratio, most)}: at most {most} times)"


def _passes(value: float, most: float) -> str:
    return "passes" if value <= most else "fails"


def _chart(costs: Costs) -> str:
    cases = [case for case in CASES if case.reviews == LARGE.reviews]
    series = [
        Series(name, [(case.objects, costs[name][case] / case.objects * 1e3) for case in cases])
        for name in ENGINES
    ]
    return draw(
        "Cost of an object, by the number of objects in the answer",
        "courses and reviews in the answer",
        "µs of server CPU per object",
        series,
    )


if __name__ == "__main__":
    main()
