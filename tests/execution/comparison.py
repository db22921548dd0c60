"""One question to both engines: equal data, errors, paths and order of keys, and no more commands."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
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
from tests.execution.hooked import Hook, hooked
from tests.execution.operations import Question
from tests.execution.site import Site
from tests.execution.ticks import Ticks, timeless
from tests.support import request_for

#: What a run comes to: graphql-core may still refuse one.
Outcome: TypeAlias = Answer | Refusal


COMPILED, REFERENCE = executor(compiled=True), executor(compiled=False)

RACES = 24  # runs of the reference in another timing, before a difference counts
SLOW = 0.05  # seconds


@dataclass
class Tally:
    """What was compared. asked: a digest of each question, so that equal ones count once."""

    counts: Counter[str] = field(default_factory=Counter)
    asked: set[bytes] = field(default_factory=set, repr=False)

    def add(self, other: "Tally") -> None:
        self.counts += other.counts
        self.asked |= other.asked


class Told(NamedTuple):
    """A payload, comparable. Errors are in the order of their paths: graphql-core lists them as they happen,
    which is by chance among fields that run at once.
    """

    keys: list[str]
    data: bytes
    errors: list[str]


async def compare(site: Site, question: Question, tally: Tally) -> None:
    """Raises AssertionError where the engines differ, where the compiled one sends more commands, or where it
    leaves to the other what it should do alone.
    """
    if isinstance(refusal := COMPILED.prepare(question.operation), Refusal):
        refused = REFERENCE.prepare(question.operation)
        assert isinstance(refused, Refusal)
        assert told(refusal) == told(refused)
        tally.counts["refused"] += 1
        return
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
    """The answer, and the commands that were sent for it, which all take one tick."""
    ticks = Ticks(disturb)
    with timeless():
        answer = await asked(by, hooked(database, ticks), question)
        return answer, await ticks.all_sent()


async def asked(by: Executor, database: Database, question: Question) -> Outcome:
    """Raises AssertionError when the operation cancels itself."""
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


def told(answer: Outcome) -> Told:
    payload = answer.payload
    errors = sorted(orjson.dumps(_anonymous(error)).decode() for error in payload.get("errors", ()))
    return Told(list(payload), encoded(payload.get("data")), errors)


async def _expect_equal(
    answer: Outcome, reference: Outcome, site: Site, question: Question, tally: Tally
) -> None:
    """Where several things go wrong below something that becomes null, the first is told, and what went wrong
    before it: which ones, and at which elements of a list, is by chance. They must be errors that the
    reference tells in some timing.
    """
    if told(answer) == told(reference):
        return
    assert told(answer).data == told(reference).data
    assert settled(answer) == settled(reference)
    possible = [reference]
    for number in range(RACES):
        if _kinds([answer]) <= _kinds(possible):
            break
        possible.append(await _asked_otherwise(site.database, question, Timing(number)))
    tally.counts["raced"] += 1
    assert _kinds([answer]) <= _kinds(possible)


async def _asked_otherwise(database: Database, question: Question, timing: "Timing") -> Outcome:
    """What graphql-core answers in a timing."""
    text, variables, name, _ = question.operation
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
        told = [field_error(error) for error in result.errors or ()]
    payload = {"errors": told, "data": result.data}
    return Answer([encoded(payload)], told, any((result.data or {}).values()), "reference")


class Timing:
    """Lets fields that need the database wait: in every other timing all of one name, in the others some."""

    def __init__(self, number: int) -> None:
        self._chosen = None if number % 2 else number // 2
        self._random = random.Random(number)
        self._slow: dict[str, bool] = {}

    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        found = next_(source, info, **arguments)
        if not isawaitable(found):
            return found
        # A task: a coroutine that graphql-core drops would warn.
        return asyncio.ensure_future(self._later(asyncio.ensure_future(found), info.field_name))

    async def _later(self, found: asyncio.Future[Any], name: str) -> Any:
        by_turn, by_chance = len(self._slow) == self._chosen, self._random.random() < 0.5
        if self._slow.setdefault(name, by_chance if self._chosen is None else by_turn):
            await asyncio.sleep(SLOW)
        return await asyncio.shield(found)


def _kinds(answers: list[Outcome]) -> set[bytes]:
    """The errors of some answers, whatever the element of a list that they are about."""
    errors = [_anonymous(error) for answer in answers for error in answer.payload.get("errors", ())]
    return {orjson.dumps({**e, "path": [k for k in e["path"] or () if isinstance(k, str)]}) for e in errors}


def settled(answer: Outcome) -> tuple[list[str], set[str]]:
    """The errors that do not depend on timing, and the paths at which others made something null."""
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
    """As much of a path as there is in the data: it ends at a null."""
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    return path


def _anonymous(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error without its random id; first its path, by which it is ordered."""
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
    """Whether there is anything but nulls and, at the top, the name of the type."""
    if isinstance(value, list):
        return any(map(_has_data, value))
    if isinstance(value, dict):
        return any(_has_data(member) for member in value.values() if not (top and isinstance(member, str)))
    return value is not None


def _is_left_to_graphql_core(question: Question) -> bool:
    """docs/execution.md has the list: introspection, and a condition that is null."""
    query, variables, *_ = question.operation
    without_value = (name for name, value in (variables or {}).items() if value is None)
    conditions = [f"(if: ${name})" for name in without_value]
    return any(text in query for text in ("__schema", "__type(", *conditions))
