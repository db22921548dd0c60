"""The spans of a record, also of one that ended early."""

import re
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from app.error_codes import OUR_FAULTS
from app.observing import Client, LevelCalled, Record, TraceContext
from app.observing.phases import phases
from app.observing.record import MOST_KEPT
from app.observing.tracing import sampling, span_queue
from app.observing.tracing.sampling import Sampled
from app.observing.tracing.span_queue import number_of_spans
from app.observing.tracing.spans import Origin, spans_of
from loaders.mongo import CommandSent
from tests.support import NOW

DOCS = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text("utf-8")
TRACE = TraceContext("1" * 32)
AT = int(NOW.timestamp() * 1e9)
ALL = ("received", "prepared", "admitted", "executed", "ended")


def record(*reached: str, **fields: Any) -> Record:
    """A record of a request that was a millisecond in each phase, and a second in the last."""
    made = Record(NOW, parent=TRACE)
    made.began, made.ended = 50.0, 51.0
    for number, name in enumerate(reached, 1):
        setattr(made, name, 50.0 + number / 1000)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def spans(of: Record) -> list[ReadableSpan]:
    return spans_of(of, Sampled.RATE, Origin.of(Resource({}), "1", "catalogue"))


def parents(found: list[ReadableSpan]) -> dict[str, str]:
    """Maps the name of each span to that of its parent."""
    names = {span.context.span_id: span.name for span in found}
    return {span.name: names[span.parent.span_id] for span in found if span.parent}


@pytest.mark.parametrize(
    ("reached", "price", "names"),
    [
        ((), 0, ["receive"]),
        (("received",), 0, ["receive", "prepare"]),
        (("received", "prepared"), 0, ["receive", "prepare"]),
        (("received", "prepared"), 5, ["receive", "prepare", "wait"]),
        (ALL[:3], 5, ["receive", "prepare", "wait", "run"]),
        (ALL, 5, ["receive", "prepare", "wait", "run", "encode"]),
    ],
)
def test_the_last_phase_is_the_one_in_which_a_request_failed(
    reached: tuple[str, ...], price: int, names: list[str]
) -> None:
    made = record(*reached, price=price)
    assert [phase.name for phase in phases(made)] == names
    assert [span.name for span in spans(made)[1:]] == names
    assert number_of_spans(made) == len(names) + 1


def test_times_are_those_of_the_clock_on_the_wall() -> None:
    request, receive, *_, encode = spans(record(*ALL))
    assert (request.start_time, receive.start_time, receive.end_time) == (AT, AT, AT + 1_000_000)
    assert encode.end_time == request.end_time == AT + 5_000_000


def test_a_command_is_in_its_level_or_else_in_the_phase_in_which_it_was_sent() -> None:
    made = record(*ALL[:3], price=5)
    made.level_called(LevelCalled(7, "Query.courses", 1, 1.0, 1, 50.01))
    made.commands.append(CommandSent("find", "accounts", 0.1, 1, 50.0005))
    made.commands.append(CommandSent("find", "courses", 0.1, 1, 50.0101, 7))
    made.commands.append(
        CommandSent("find", "reviews", 0.1, None, 50.02, 8, "DeadlineError")
    )  # a level that failed
    made.commands.append(CommandSent("commitTransaction", "", 0.1, None, 50.03))
    found = spans(made)
    assert parents(found).items() >= {
        "find accounts": "receive", "find courses": "Query.courses", "find reviews": "run",
        "commitTransaction": "run", "Query.courses": "run",
    }.items()  # fmt: skip
    failed = next(span for span in found if span.name == "find reviews")
    assert not failed.status.is_ok
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "DeadlineError"
    assert number_of_spans(made) == len(found)


def test_a_merged_look_up_is_marked() -> None:
    made = record(*ALL)
    made.commands += [
        CommandSent("find", "courses", 0.1, 1, 50.0021, merged=merged) for merged in (False, True)
    ]
    found = [span.attributes or {} for span in spans(made) if span.name == "find courses"]
    assert [attributes.get("lectern.merged") for attributes in found] == [None, True]


def test_a_command_that_outlives_its_request_is_left_out() -> None:
    made = record(*ALL)
    made.commands.append(CommandSent("commitTransaction", "", 100.0, None, 50.002))
    assert "commitTransaction" not in [span.name for span in spans(made)]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"kind": "query", "name": "Q"}, "query Q"),
        ({"kind": "mutation"}, "mutation"),
        ({}, "POST /graphql"),
        ({"method": "PROPFIND"}, "_OTHER /graphql"),
    ],
)
def test_the_span_of_a_request_is_named_after_its_operation(fields: dict[str, str], name: str) -> None:
    assert spans(record(**fields))[0].name == name


def test_a_client_s_mistake_has_its_code_and_no_error_status() -> None:
    for status, code, ok in ((400, "BAD_REQUEST", True), (503, "OVERLOADED", False)):
        request = spans(record(status=status, code=code, errors=1))[0]
        assert request.attributes is not None
        assert (request.attributes["error.type"], request.status.is_ok) == (code, ok)


def test_the_documentation_lists_every_attribute() -> None:
    everything: dict[str, Any] = {
        "kind": "query", "name": "Q", "hash": "abc", "price": 1, "engine": "reference", "reason": "off",
        "client": Client("web", "1"), "errors": 1, "code": "TIMEOUT",
    }  # fmt: skip
    made = record(*ALL, **everything)
    made.level_called(LevelCalled(7, "Query.courses", 1, 0.5, 1, 50.0031))
    made.commands.append(CommandSent("find", "courses", 0.1, 1, 50.0032, 7, "DeadlineError", merged=True))
    found = {
        ({"SERVER": "request", "CLIENT": "command"}.get(span.kind.name, "level"), name)
        for span in spans(made)
        for name in span.attributes or ()
    }
    rows = re.findall(r"^\| (`[^|]*`) \| (request|level|command) \|", DOCS, re.MULTILINE)
    assert {(of, name) for names, of in rows for name in re.findall(r"`([^`]+)`", names)} == found


def test_the_documentation_has_the_limits_and_the_reasons() -> None:
    reasons = re.findall(r"^\| `(\w+)` \| [^|]* \| (none|20 a second)", DOCS, re.MULTILINE)
    assert {reason for reason, _ in reasons} == {own.value for own in Sampled if own is not Sampled.OVER}
    assert sampling.MOST_PER_SECOND == 20
    assert f"At most {span_queue._MOST_PENDING:,} spans" in DOCS
    assert f"{MOST_KEPT:,} levels and {MOST_KEPT:,} commands" in DOCS
    codes = DOCS.partition("the client's mistake have the codes")[2].partition(".")[0]
    assert set(re.findall(r"`(\w+)`", codes)) == OUR_FAULTS
