"""What the log tells of writes whose clients were answered before."""

import asyncio

import pytest
from pymongo.errors import OperationFailure
from structlog.testing import capture_logs

from app.observing import late_writes
from loaders.mongo.command_errors import DatabaseAwayError, DeadlineError

_LATE = "a commit outlived its request"
_ABORTED = OperationFailure("No such transaction.", 251, {"errorLabels": ["TransientTransactionError"]})
_LOST = OperationFailure("Lost.", 91, {"errorLabels": ["UnknownTransactionCommitResult"]})


@pytest.mark.parametrize(
    ("kind", "error", "line"),
    [
        ("commit", None, {"event": f"{_LATE}: committed"}),
        ("commit", _ABORTED, {"event": f"{_LATE}: not committed", "reason": "No such transaction."}),
        ("commit", _LOST, {"event": f"{_LATE}: outcome unknown", "reason": "Lost."}),
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
async def test_each_outcome_has_its_line(
    monkeypatch: pytest.MonkeyPatch, kind: str, error: BaseException | None, line: dict[str, str] | None
) -> None:
    for name in ("_COMMITTED", "_NOT_COMMITTED", "_UNKNOWN", "_REST_LEFT"):
        monkeypatch.setattr(getattr(late_writes, name), "_quiet_until", 0.0)
    with capture_logs() as logged:
        late_writes.log_late_write(kind, error)
    for told in logged:
        if "reason" in told:
            told["reason"] = told["reason"].split(", full error")[0]
    assert logged == ([line | {"log_level": "warning"}] if line else [])
