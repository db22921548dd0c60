"""Checks that an operation takes no more than its price, and that the actual cost counts what it takes."""

from collections.abc import Iterator
from contextlib import nullcontext
from hashlib import blake2b
from time import monotonic
from typing import Any, NamedTuple

from structlog.testing import capture_logs

from app.execution import Answer, Executor, Prepared, Refusal
from app.execution.pricing.cost import Cost
from loaders.mongo import Database, Scope, current_scope
from tests.execution.comparison import COMPILED, REFERENCE, Tally
from tests.execution.holes import raw_documents
from tests.execution.operations import Question
from tests.execution.site import Site
from tests.support import request_for

#: The ratios of the price to the actual price, by which operations are counted.
RATIOS = (1, 1.5, 2, 5, 20, 100)


class Checked(NamedTuple):
    maximum: Cost
    actual: Cost


async def check(site: Site, question: Question) -> Checked | None:
    """Runs a question on both engines. Returns the costs, or None if the operation is refused.

    Raises AssertionError if the operation takes more than its price, or if the actual cost is not what the
    response and the commands show.
    """
    prepared = COMPILED.prepare(question.operation)
    if isinstance(prepared, Refusal):
        return None
    with raw_documents() if len(question.operation.query) % 2 else nullcontext():
        answer, sent = await _asked(COMPILED, site.database, question)
        reference, _ = await _asked(REFERENCE, site.database, question)
    if isinstance(answer, Refusal):
        return None
    actual, maximum = answer.actual, prepared.cost
    assert actual is not None
    assert actual.commands == len(sent), (actual, sent)
    assert all(spent <= most for spent, most in zip(actual, maximum, strict=True)), (actual, maximum, sent)
    data = answer.payload.get("data") or {}
    # A JSON value of the audit log counts with its weight, whatever objects it contains.
    if not prepared.document.introspects and "changes" not in question.operation.query:
        assert objects_in(data) <= actual.objects
    if isinstance(reference, Answer) and reference.payload.get("data") == data:
        assert reference.actual is not None
        assert reference.actual[:2] == actual[:2]
    return Checked(maximum, actual)


async def check_counted(site: Site, question: Question, tally: Tally) -> None:
    """Checks a question. Counts by how many times its price exceeds what it took."""
    checked = await check(site, question)
    tally.asked.add(blake2b(repr(question).encode(), digest_size=12).digest())
    if checked is None:
        tally.counts["refused"] += 1
        return
    ratio = checked.maximum.price / max(1, checked.actual.price)
    most = next((most for most in RATIOS if ratio <= most), None)
    tally.counts[f"price up to {most}x" if most else f"price over {RATIOS[-1]}x"] += 1


def objects_in(data: dict[str, Any]) -> int:
    """Returns the number of JSON objects in a response."""
    return sum(1 for _ in _objects(data)) - 1


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member)


async def _asked(by: Executor, database: Database, question: Question) -> tuple[Answer | Refusal, list[str]]:
    """Runs a question. Also returns the commands that it sent, as listeners see them."""
    sent: list[str] = []
    scope = Scope(monotonic() + 3600, on_command=lambda c: sent.append(f"{c.kind} {c.collection}"))
    prepared = by.prepare(question.operation)
    assert isinstance(prepared, Prepared)
    outer = current_scope.set(scope)
    try:
        with capture_logs():  # each masked error is logged
            request = request_for(database, question.viewer, scope=scope, is_metered=True)
            return await by.run(prepared, request), sent
    finally:
        current_scope.reset(outer)
