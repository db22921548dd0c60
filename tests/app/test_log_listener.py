"""How writes that outlived their request are logged."""

import asyncio

import pytest
from pymongo.errors import OperationFailure
from structlog.testing import capture_logs

from app.observing import LogListener, Refused
from loaders.mongo.command_errors import DatabaseAwayError, DeadlineError

_LATE = "a commit outlived its request"
_ABORTED = OperationFailure("No such transaction.", 251, {"errorLabels": ["TransientTransactionError"]})
_LOST = OperationFailure("Lost.", 91, {"errorLabels": ["UnknownTransactionCommitResult"]})


@pytest.mark.parametrize(
    ("kind", "error", "line"),
    [
        ("commit", None, {"event": f"{_LATE}: committed"}),
        ("commit", _ABORTED, {"event": f"{_LATE}: not committed", "reason": "OperationFailure (251)"}),
        ("commit", _LOST, {"event": f"{_LATE}: outcome unknown", "reason": "OperationFailure (91)"}),
        (
            "commit",
            DatabaseAwayError("a:1"),
            {"event": f"{_LATE}: outcome unknown", "reason": "a:1"},
        ),
        (
            "commit",
            DeadlineError(),
            {"event": f"{_LATE}: outcome unknown", "reason": "DeadlineError"},
        ),
        (
            "commit",
            asyncio.CancelledError(),
            {"event": f"{_LATE}: outcome unknown", "reason": "CancelledError"},
        ),
        ("rest of a write", None, None),
        (
            "rest of a write",
            DeadlineError(),
            {"event": "follow-up work of a write failed: run `lectern recount`", "reason": "DeadlineError"},
        ),
    ],
)
async def test_each_outcome_is_logged(
    kind: str, error: BaseException | None, line: dict[str, str] | None
) -> None:
    with capture_logs() as logged:
        LogListener().late_write(kind, error)
    assert logged == ([line | {"log_level": "warning"}] if line else [])


async def test_documents_that_do_not_fit_are_logged_throttled() -> None:
    log = LogListener()
    with capture_logs() as logged:
        for number in range(2):
            log.misfit("courses", number, ["tags"])
    assert logged == [
        {
            "event": "a document has the wrong shape, and was read with defaults: run `lectern check`",
            "collection": "courses", "id": "0", "fields": ["tags"], "log_level": "warning",
        }
    ]  # fmt: skip


async def test_refusals_by_admission_are_logged_throttled() -> None:
    log = LogListener()
    with capture_logs() as logged:
        for _ in range(2):
            log.refused(Refused("OVERLOADED", "The server is overloaded.", 503))
        log.refused(Refused("BAD_REQUEST", "The body is empty.", 400))
    (line,) = logged
    assert line["event"].startswith("requests are refused")
