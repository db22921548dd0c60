"""The outcomes of writes that came after their clients were answered: a line of the log for each kind."""

from pymongo.errors import PyMongoError

from app.observing import logs

_COMMITTED = logs.Throttled("a commit outlived its request: committed")
_NOT_COMMITTED = logs.Throttled("a commit outlived its request: not committed")
_UNKNOWN = logs.Throttled("a commit outlived its request: outcome unknown")
_REST_LEFT = logs.Throttled("follow-up work of a write failed: run `lectern recount`")

_LONGEST = 500  # characters of a reason


def log_late_write(kind: str, error: BaseException | None) -> None:
    """kind: as of loaders.mongo.detached.outcome. error: None where it was done."""
    if kind != "commit":
        if error:
            _REST_LEFT.warning(reason=_reason(error))
    elif error is None:
        _COMMITTED.warning()
    elif _is_aborted(error):
        _NOT_COMMITTED.warning(reason=_reason(error))
    else:
        _UNKNOWN.warning(reason=_reason(error))


def _is_aborted(error: BaseException) -> bool:
    return isinstance(error, PyMongoError) and not error.has_error_label("UnknownTransactionCommitResult")


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:_LONGEST]
