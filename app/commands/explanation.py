"""What `lectern explain` prints."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from app import errors
from app.auth import SessionTokens
from app.commands.command_error import CommandError
from app.database import connect, ping
from app.execution import Answer, Executor, NotAQueryError, Operation, Prepared, Timings, encoded, plan_text
from app.main import make_executor
from app.observing import configure_logs, traced_commands
from app.settings import Settings, load
from loaders.reading import Loaders
from resolvers.context import Context
from resolvers.cursors import Cursors


def explained(operation: Operation, *, run: bool) -> str:
    """The plan of an operation; with `run` the times that it took on MONGODB_URI.

    Raises CommandError with what is wrong with the operation.
    """
    configure_logs()
    settings = load()
    executor = make_executor(settings)
    try:
        prepared = executor.prepare(operation, only_queries=run)
    except NotAQueryError:
        raise CommandError("--run takes a query: a mutation would be done.") from None
    if isinstance(prepared, Answer):
        raise _refused(prepared)
    if not run:
        return plan_text(executor.explain(prepared))
    return asyncio.run(_measured(settings, executor, prepared))


async def _measured(settings: Settings, executor: Executor, prepared: Prepared) -> str:
    """Run twice: the first time opens the connections."""
    timings: Timings = {}
    secret = settings.lectern_secret.get_secret_value().encode()
    async with connect(settings, tz_aware=False) as database:
        await ping(database)
        for _ in range(2):
            ctx = Context(Loaders(database), Cursors(secret), datetime.now(UTC), SessionTokens(secret))
            with traced_commands() as trace:
                start = perf_counter()
                answer = await executor.run(prepared, ctx, timings)
                ms = (perf_counter() - start) * 1000
    size, wrong = len(encoded(answer.payload)), answer.payload.get("errors", ())
    lines = [
        f"{plan_text(executor.explain(prepared, timings))}\n",
        f"run in {ms:.1f} ms by {_ENGINES[answer.engine or 'reference']}: {trace.commands} commands in "
        f"{trace.ms:.1f} ms, {size:,} bytes, {len(wrong)} errors",
        *(f"  {_line(error)}" for error in wrong[:_MOST_ERRORS]),
    ]
    return "\n".join(lines)


_MOST_ERRORS = 5
_ENGINES = {"compiled": "the plan", "reference": "graphql-core"}


def _refused(answer: Answer) -> CommandError:
    told = answer.payload["errors"]
    lines = [_line(error) for error in told]
    if told[0]["extensions"]["code"] == errors.BAD_USER_INPUT:
        lines.append("Give the values with --variables: JSON, or @FILE.")
    if told[0]["extensions"]["code"] == errors.OPERATION_RESOLUTION_FAILURE:
        lines.append("Say which with --operation.")
    return CommandError("\n".join(lines))


def _line(error: Mapping[str, Any]) -> str:
    """Where in the answer it is, or else where in the text, and what it says."""
    if path := error.get("path"):
        return f"{'.'.join(map(str, path))}: {error['message']}"
    place = "".join(f"{at['line']}:{at['column']} " for at in error.get("locations", ())[:1])
    return f"{place}{error['message']}"
