"""Checks that an operation takes no more than its price, and that the actual cost counts what it takes."""

from asyncio import sleep
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from hashlib import blake2b
from time import monotonic
from typing import Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from app.budget_classes import read_classes
from app.budgets import Budgets, Charge, Clients
from app.execution import Answer, Executor, Prepared, Refusal
from app.execution.pricing.cost import Cost
from loaders.mongo import Database, Scope, current_scope
from tests.execution.comparison import COMPILED, REFERENCE, Tally
from tests.execution.holes import raw_documents
from tests.execution.metered import actual_cost
from tests.execution.operations import Question
from tests.execution.site import Site
from tests.support import UNLIMITED, request_for

BUDGETS = Budgets(Clients(read_classes("public=unlimited"), ()), lambda: pytest.fail("it is unlimited"))

#: The ratios of the price to the actual price, by which operations are counted.
RATIOS = (1, 1.5, 2, 5, 20, 100)


class Checked(NamedTuple):
    """What an operation cost. list_values: the values of its list arguments, a part of both costs."""

    maximum: Cost
    actual: Cost
    list_values: int
    data: dict[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """The objects and values of the response alone."""
        return self.actual.objects, self.actual.values - self.list_values


async def check(site: Site, question: Question) -> Checked | None:
    """Runs a question on both engines. Returns the costs, or None if the operation is refused.

    Raises AssertionError if the operation takes more than its price on either engine, or if the actual cost
    is not what the response and the commands show.
    """
    if isinstance(COMPILED.prepare(question.operation), Refusal):
        return None
    with raw_documents() if len(question.operation.query) % 2 else nullcontext():
        compiled = await _checked(COMPILED, site, question)
        reference = await _checked(REFERENCE, site, question)
    if compiled is None:
        return None
    if reference is not None and reference.data == compiled.data:
        assert reference.size == compiled.size
    return compiled


async def _checked(by: Executor, site: Site, question: Question) -> Checked | None:
    prepared = by.prepare(question.operation)
    assert isinstance(prepared, Prepared)
    sent: list[str] = []
    scope = Scope(monotonic() + 3600, on_command=lambda c: sent.append(f"{c.kind} {c.collection}"))
    charge = BUDGETS.charge(None, question.viewer, "")
    charge.take_held(prepared.budgeted)
    answer = await _asked(by, prepared, site.database, question, scope, charge)
    if isinstance(answer, Refusal):
        return None
    actual, maximum = actual_cost(prepared, answer, scope), prepared.cost
    if answer.errors:
        await _have_come_back(scope, sent)
        assert actual.commands <= len(sent), (actual, sent)
    else:
        assert actual.commands == len(sent), (actual, sent)
        assert charge.spent == max(1, actual.price - (prepared.price - prepared.budgeted)), actual
    assert len(sent) <= maximum.commands, (maximum, sent)
    assert all(spent <= most for spent, most in zip(actual, maximum, strict=True)), (actual, maximum, sent)
    data = answer.payload.get("data") or {}
    # A JSON value of the audit log counts with its weight, whatever objects it contains.
    if not prepared.document.introspects and "changes" not in question.operation.query:
        assert objects_in(data) <= actual.objects
    list_values = prepared.document.priced(prepared.variables, UNLIMITED).list_values
    return Checked(maximum, actual, list_values, data)


async def _have_come_back(scope: Scope, sent: Sequence[str]) -> None:
    """Waits for commands that were on their way when an error ended the operation.

    Raises AssertionError if the scope doesn't count exactly what was sent.
    """
    deadline = monotonic() + 10
    while scope.sent != len(sent):
        assert monotonic() < deadline, (scope.sent, sent)
        await sleep(0.01)


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


async def _asked(
    by: Executor,
    prepared: Prepared,
    database: Database,
    question: Question,
    scope: Scope,
    charge: Charge,
) -> Answer | Refusal:
    outer = current_scope.set(scope)
    try:
        with capture_logs():  # each masked error is logged
            # The cost that the client sees is counted before the response is encoded; otherwise afterwards.
            shows_cost = len(question.operation.query) % 3 == 0
            request = request_for(
                database, question.viewer, scope=scope, charge=charge, shows_cost=shows_cost
            )
            return await by.run(prepared, request)
    finally:
        current_scope.reset(outer)
