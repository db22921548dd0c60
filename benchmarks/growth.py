"""How the cost of a request grows with what it returns: 1 to 1,000 courses, with 0 to 20 reviews each.

    python -m benchmarks.growth [--seconds 0.3] [--rounds 3] [--chart docs/images/growth.svg]

An object is a course or a review in the answer; the cost is the server's CPU time, one request at a time.
What the smallest request with the same levels costs (one course, and one review where there are any) is the
constant; the rest, by the objects beyond those, is the cost of an object. Growth is linear when an object
costs much the same in an answer of 100 objects and in one of 21,000. Resident memory is told with it: after
a warm-up of small answers to the same operations, which are kept compiled from then on, at its peak, and
after the run.
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
_TELLING = 100  # objects: what fewer of them cost is lost in the noise of the constant

# What Lectern is judged by.
_LINEAR = 1.3  # times: what an object of the largest answer may cost, to one of a small answer
_MOST_MEMORY = 150  # MB
_BACK = 1.1  # times: memory after the run, to that before it


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
        """The same operation, for next to nothing."""
        return self._of_pages(1, 1)

    def _of_pages(self, first: int, reviews: int) -> bytes:
        """Pages of several categories, where one page is too small. Their sizes are variables, as a client
        has them.
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

#: Milliseconds of CPU a request, by server and case.
Costs = Mapping[str, Mapping[Case, float]]


class Memory(NamedTuple):
    """Resident megabytes."""

    start: float
    peak: float
    end: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.3, help="for each case, server and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chart", type=Path, help="where the chart is drawn, as SVG")
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
    _tell(costs, memory)
    print(f"\nThe numbers are in {report.keep('growth', _kept(costs, memory))}.")
    if arguments.chart:
        arguments.chart.write_text(_chart(costs))


def _warm(server: Server) -> float:
    """The resident memory of a server that has given small answers to every operation."""
    for case in CASES * _WARM_UP:
        server.post(case.tiny)
    time.sleep(_IDLE)
    return server.resident()


def _check(servers: Sequence[Server]) -> None:
    """Every case has the objects that it says, and the servers' answers are equal."""
    for case in CASES:
        answers = [server.data(case.body) for server in servers]
        courses = [course for page in answers[0].values() for course in page["nodes"]]
        reviews = sum(len(course["reviews"]["nodes"]) for course in courses if case.reviews)
        if any(answer != answers[0] for answer in answers) or len(courses) + reviews != case.objects:
            raise SystemExit(f"The servers differ in what they answer to {case}.")


def _measure(servers: Sequence[Server], rounds: int, seconds: float) -> Costs:
    """Medians of the rounds. The servers are asked in turn."""
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


def _per_object(own: Mapping[Case, float], case: Case) -> float:
    """Microseconds, beyond the constant."""
    return (own[case] - own[case.smallest]) / (case.objects - case.smallest.objects) * 1e3


def _tell(costs: Costs, memory: Mapping[str, Memory]) -> None:
    head = ["courses", "reviews of each", "objects"]
    head += [f"{name}, {unit}" for name in costs for unit in ("ms", "µs an object")]
    print("CPU of the server: ms a request, and µs an object beyond the constant\n")
    print(report.table(head, [_row(costs, case) for case in CASES], texts=0))
    print("\nResident memory, MB\n")
    head = ["server", "after a warm-up", "at its peak", "after the run"]
    print(report.table(head, [[name, *(f"{mb:.0f}" for mb in own)] for name, own in memory.items()]))
    print("\n" + "\n".join(_judged(costs[LECTERN], memory[LECTERN])))


def _kept(costs: Costs, memory: Mapping[str, Memory]) -> Mapping[str, object]:
    rows = [
        {"server": name, **case._asdict(), "ms": ms}
        for name, own in costs.items()
        for case, ms in own.items()
    ]
    return {"costs": rows, "memory": {name: own._asdict() for name, own in memory.items()}}


def _row(costs: Costs, case: Case) -> list[str]:
    row = [f"{case.courses:,}", str(case.reviews), f"{case.objects:,}"]
    for own in costs.values():
        row += [f"{own[case]:.2f}", f"{_per_object(own, case):.1f}" if case.objects >= _TELLING else ""]
    return row


def _judged(own: Mapping[Case, float], memory: Memory) -> Iterator[str]:
    small, large = _per_object(own, SMALL), _per_object(own, LARGE)
    told = (
        f"An object costs {small:.1f} µs among {SMALL.objects:,}, and {large:.1f} µs among {LARGE.objects:,}"
    )
    yield f"{told}: {_verdict(large / small, _LINEAR)}"
    yield f"Memory after the run, to that before it: {_verdict(memory.end / memory.start, _BACK)}"
    holds = "holds" if memory.peak <= _MOST_MEMORY else "does not hold"
    yield f"The most memory: {memory.peak:.0f} MB, which {holds} (at most {_MOST_MEMORY} MB)"


def _verdict(ratio: float, most: float) -> str:
    return f"{ratio:.2f} times, which {'holds' if ratio <= most else 'does not hold'} (at most {most} times)"


def _chart(costs: Costs) -> str:
    cases = [case for case in CASES if case.reviews == LARGE.reviews]
    series = [
        Series(name, [(case.objects, costs[name][case] / case.objects * 1e3) for case in cases])
        for name in ENGINES
    ]
    return draw(
        "What an object costs, by how many the answer has",
        "courses and reviews in the answer",
        "µs of server CPU for each",
        series,
    )


if __name__ == "__main__":
    main()
