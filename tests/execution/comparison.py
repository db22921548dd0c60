"""Runs one question on both engines: equal data, errors, paths and key order, and no more commands."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias

import orjson
from graphql import execute, parse
from structlog.testing import capture_logs

from app.errors import field_error
from app.execution import Answer, Executor, Prepared, Refusal, encoded
from loaders.mongo.database import Database
from resolvers.schema import schema
from tests.execution.engines import executor
from tests.execution.holes import raw_documents
from tests.execution.hooked import Hook, hooked
from tests.execution.operations import Question
from tests.execution.site import Site
from tests.execution.ticks import Ticks, timeless
from tests.support import UNLIMITED, request_for

#: The result of a run. Even a prepared operation may be refused by graphql-core.
Outcome: TypeAlias = Answer | Refusal


#: Only the compiled engine has a limit on the price: equal calls make operations dearer on graphql-core.
COMPILED, REFERENCE = executor(compiled=True), executor(compiled=False, limits=UNLIMITED)

RACES = 24  # runs of the reference engine with other timings before a difference counts
SLOW = 0.05  # seconds


@dataclass
class Tally:
    """What was compared. asked: a digest of each question, so that equal ones count once."""

    counts: Counter[str] = field(default_factory=Counter)
    asked: set[bytes] = field(default_factory=set, repr=False)

    def add(self, other: "Tally") -> None:
        self.counts += other.counts
        self.asked |= other.asked


class Comparable(NamedTuple):
    """A payload in a form that can be compared.

    Errors are sorted by path: graphql-core lists them in the order in which they happen, which is random
    among fields that run concurrently.
    """

    keys: list[str]
    data: bytes
    errors: list[str]


async def compare(site: Site, question: Question, tally: Tally) -> None:
    """Compares both engines on one question. Half of the questions see documents as they are stored.

    Raises AssertionError if they differ, if the compiled engine sends more commands, or if it leaves to
    graphql-core an operation that it should run itself.
    """
    if isinstance(refusal := COMPILED.prepare(question.operation), Refusal):
        if refusal.limit != "LECTERN_MAX_COST":
            refused = REFERENCE.prepare(question.operation)
            assert isinstance(refused, Refusal)
            assert comparable(refusal) == comparable(refused)
        tally.counts["refused"] += 1
        return
    with raw_documents() if len(question.operation.query) % 2 else nullcontext():
        answer, sent = await asked_in_ticks(COMPILED, site.database, question)
        reference, allowed = await asked_in_ticks(REFERENCE, site.database, question)
        _count(question, answer, tally)
        await _expect_equal(answer, reference, site, question, tally)
    assert len(sent) <= len(allowed), (sent, allowed)
    tally.counts["with fewer commands"] += len(sent) < len(allowed)
    if not _is_left_to_graphql_core(question):
        assert engine_of(answer) == "compiled"


async def asked_in_ticks(
    by: Executor, database: Database, question: Question, disturb: Hook | None = None
) -> tuple[Outcome, list[str]]:
    """Runs a question. Returns the answer and the commands that were sent; each command takes one tick."""
    ticks = Ticks(disturb)
    with timeless():
        answer = await asked(by, hooked(database, ticks), question)
        return answer, await ticks.all_sent()


async def asked(by: Executor, database: Database, question: Question) -> Outcome:
    """Runs a question. Raises AssertionError if the operation cancels itself."""
    prepared = by.prepare(question.operation)
    assert isinstance(prepared, Prepared), prepared
    with capture_logs():  # each masked error is logged
        try:
            return await by.run(prepared, request_for(database, question.viewer))
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            raise AssertionError("a part of the operation cancelled the whole") from error


def engine_of(outcome: Outcome) -> str:
    return outcome.engine if isinstance(outcome, Answer) else "not executed"


def comparable(answer: Outcome) -> Comparable:
    payload = answer.payload
    errors = sorted(orjson.dumps(_anonymous(error)).decode() for error in payload.get("errors", ()))
    return Comparable(list(payload), encoded(payload.get("data")), errors)


async def _expect_equal(
    answer: Outcome, reference: Outcome, site: Site, question: Question, tally: Tally
) -> None:
    """Raises AssertionError if two answers differ beyond what timing may change.

    If several errors occur below a value that becomes null, the answer has the first and those before it.
    Which errors these are, and for which elements of a list, is random. They must be errors that the
    reference engine reports in some timing.
    """
    if comparable(answer) == comparable(reference):
        return
    assert comparable(answer).data == comparable(reference).data
    assert settled(answer) == settled(reference)
    possible = [reference]
    for number in range(RACES):
        if _kinds([answer]) <= _kinds(possible):
            break
        possible.append(await _asked_otherwise(site.database, question, Timing(number)))
    tally.counts["raced"] += 1
    assert _kinds([answer]) <= _kinds(possible)


async def _asked_otherwise(database: Database, question: Question, timing: "Timing") -> Outcome:
    """The answer of graphql-core with a given timing."""
    text, variables, name = question.operation[:3]
    with capture_logs():
        running: Any = execute(
            schema,
            parse(text),
            context_value=request_for(database, question.viewer).context(),
            variable_values=variables,
            operation_name=name,
            middleware=[timing],
        )
        result = await running
        comparable = [field_error(error) for error in result.errors or ()]
    payload = {"errors": comparable, "data": result.data}
    return Answer([encoded(payload)], comparable, any((result.data or {}).values()), "reference")


class Timing:
    """Delays fields that need the database: every other timing delays all fields of one name, the others
    random names.
    """

    def __init__(self, number: int) -> None:
        self._chosen = None if number % 2 else number // 2
        self._random = random.Random(number)
        self._slow: dict[str, bool] = {}

    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        found = next_(source, info, **arguments)
        if not isawaitable(found):
            return found
        # A task, because graphql-core may drop it, and a dropped coroutine would warn.
        return asyncio.ensure_future(self._later(asyncio.ensure_future(found), info.field_name))

    async def _later(self, found: asyncio.Future[Any], name: str) -> Any:
        by_turn, by_chance = len(self._slow) == self._chosen, self._random.random() < 0.5
        if self._slow.setdefault(name, by_chance if self._chosen is None else by_turn):
            await asyncio.sleep(SLOW)
        return await asyncio.shield(found)


def _kinds(answers: list[Outcome]) -> set[bytes]:
    """The errors of several answers, without the list indexes in their paths."""
    errors = [_anonymous(error) for answer in answers for error in answer.payload.get("errors", ())]
    return {orjson.dumps({**e, "path": [k for k in e["path"] or () if isinstance(k, str)]}) for e in errors}


def settled(answer: Outcome) -> tuple[list[str], set[str]]:
    """The errors that do not depend on timing, and the paths where other errors made something null."""
    data, own, above = answer.payload.get("data"), [], set()
    errors = [_anonymous(error) for error in answer.payload.get("errors", ())]
    nulls = [(_null(data, error["path"] or []), error) for error in errors]
    raced = {orjson.dumps(null) for null, error in nulls if null != error["path"]}
    for null, error in nulls:
        if (path := orjson.dumps(null)) in raced:
            above.add(path.decode())
        else:
            own.append(orjson.dumps(error).decode())
    return sorted(own), above


def _null(data: Any, path: list[Any]) -> list[Any]:
    """The part of a path that exists in the data, up to the first null."""
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    return path


def _anonymous(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error without its random id. Its path comes first, so that errors sort by path."""
    extensions = error["extensions"]
    masked = {"errorId": "…"} if "errorId" in extensions else {}
    return {"path": error.get("path"), **error, "extensions": {**extensions, **masked}}


def _count(question: Question, answer: Outcome, tally: Tally) -> None:
    tally.asked.add(blake2b(repr(question).encode(), digest_size=12).digest())
    tally.counts["ran"] += 1
    tally.counts[engine_of(answer)] += 1
    tally.counts["with errors"] += "errors" in answer.payload
    tally.counts["with data"] += _has_data(answer.payload.get("data"), top=True)


def _has_data(value: Any, *, top: bool = False) -> bool:
    """Whether there is a value other than null, apart from `__typename` at the root."""
    if isinstance(value, list):
        return any(map(_has_data, value))
    if isinstance(value, dict):
        return any(_has_data(member) for member in value.values() if not (top and isinstance(member, str)))
    return value is not None


def _is_left_to_graphql_core(question: Question) -> bool:
    """Whether an operation has no plan: introspection, or a condition that is null (docs/execution.md)."""
    query, variables, *_ = question.operation
    without_value = (name for name, value in (variables or {}).items() if value is None)
    conditions = [f"(if: ${name})" for name in without_value]
    return any(text in query for text in ("__schema", "__type(", *conditions))
