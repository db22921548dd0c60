"""The output of `lectern explain`."""

import asyncio
from datetime import UTC, datetime
from time import monotonic, perf_counter

from app import error_codes, errors
from app.auth import SessionTokens
from app.commands.command_error import CommandError
from app.database import connect, ping
from app.execution import Executor, NotAQueryError, Operation, Prepared, Refusal, encoded, plan_text
from app.main import make_executor
from app.observing import Record, configure_logs
from app.request import Request, Services
from app.settings import Settings, load
from loaders.mongo import Scope, current_scope
from resolvers.cursors import Cursors


def explained(operation: Operation, *, run: bool) -> str:
    """Returns the plan of an operation as text.

    run: whether to run the operation on the database at LECTERN_MONGODB_URI, and add the measured times.

    Raises CommandError, with the reason, if the operation can't be run.
    """
    settings = load()
    configure_logs(settings)
    executor = make_executor(settings, for_commands=True)
    try:
        prepared = executor.prepare(operation, only_queries=run)
    except NotAQueryError:
        raise CommandError("--run only accepts queries: a mutation would change the data.") from None
    if isinstance(prepared, Refusal):
        raise _refused(prepared)
    if not run:
        return plan_text(executor.explain(prepared))
    return asyncio.run(_measured(settings, executor, prepared))


async def _measured(settings: Settings, executor: Executor, prepared: Prepared) -> str:
    """Runs an operation twice, and reports the second run, because the first one opens the connections."""
    secret = settings.lectern_secret.get_secret_value().encode()
    async with connect(settings, tz_aware=False) as database:
        await ping(database)
        services = Services(lambda: database, Cursors(secret), SessionTokens(secret))
        for _ in range(2):
            record = Record(datetime.now(UTC))
            scope = Scope(monotonic() + _LONGEST, on_command=record.command_sent)
            current_scope.set(scope)
            start = perf_counter()
            request = Request(services, record, scope=scope, on_level=record.level_called)
            answer = await executor.run(prepared, request)
            ms = (perf_counter() - start) * 1000
    if isinstance(answer, Refusal):  # graphql-core refused the operation before executing any field
        size, engine = len(encoded(answer.payload)), _ENGINES["reference"]
    else:
        size, engine = sum(map(len, answer.body)), _ENGINES[answer.engine]
    lines = [
        f"{plan_text(executor.explain(prepared, record.levels))}\n",
        f"run in {ms:.1f} ms by {engine}: {record.command_count} commands in {record.command_ms:.1f} ms, "
        f"{size:,} bytes, {len(answer.errors)} errors",
        *(f"  {_line(error)}" for error in answer.errors[:_MOST_ERRORS]),
    ]
    return "\n".join(lines)


_LONGEST = 3600.0  # time limit for each run of the operation, in seconds
_MOST_ERRORS = 5
_ENGINES = {"compiled": "the plan", "reference": "graphql-core"}


def _refused(refusal: Refusal) -> CommandError:
    lines = [_line(error) for error in refusal.errors]
    if refusal.code == error_codes.BAD_USER_INPUT:
        lines.append("Pass the values with --variables, as JSON or @FILE.")
    if refusal.code == error_codes.OPERATION_RESOLUTION_FAILURE:
        lines.append("Choose one with --operation.")
    return CommandError("\n".join(lines))


def _line(error: errors.ErrorDict) -> str:
    """Formats an error as a line: its path, or else its line and column, followed by its message."""
    if path := error.get("path"):
        return f"{'.'.join(map(str, path))}: {error['message']}"
    place = "".join(f"{at['line']}:{at['column']} " for at in error.get("locations", ())[:1])
    return f"{place}{error['message']}"
