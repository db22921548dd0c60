"""Logs overload, documents of the wrong shape, and outcomes of writes that outlived their request."""

from collections.abc import Sequence

from pymongo.errors import PyMongoError

from app.error_codes import OVERLOADED
from app.observing.instrumentation import Listener, Refused
from app.observing.redaction import redacted
from app.observing.throttled import Throttled

_LONGEST = 100  # maximum length of a logged `_id`, in characters


class LogListener(Listener):
    """Logs warnings about overload, documents of the wrong shape, and writes that outlived their request.

    Repeated warnings are throttled.
    """

    def __init__(self) -> None:
        self._refused = Throttled(
            "requests are refused: too many are waiting, or waited longer than LECTERN_ADMISSION_WAIT"
        )
        self._committed = Throttled("a commit outlived its request: committed")
        self._not_committed = Throttled("a commit outlived its request: not committed")
        self._unknown = Throttled("a commit outlived its request: outcome unknown")
        self._misfit = Throttled(
            "a document has the wrong shape, and was read with defaults: run `lectern check`"
        )
        self._rest_failed = Throttled("follow-up work of a write failed: run `lectern recount`")

    def refused(self, refusal: Refused) -> None:
        if refusal.code == OVERLOADED:
            self._refused.warning()

    def late_write(self, kind: str, error: BaseException | None) -> None:
        if kind != "commit":
            if error:
                self._rest_failed.warning(reason=redacted(error))
        elif error is None:
            self._committed.warning()
        elif outcome_of(error) == "aborted":
            self._not_committed.warning(reason=redacted(error))
        else:
            self._unknown.warning(reason=redacted(error))

    def misfit(self, collection: str, id: object, fields: Sequence[str]) -> None:
        self._misfit.warning(collection=collection, id=str(id)[:_LONGEST], fields=list(fields))


def outcome_of(error: BaseException | None) -> str:
    """Returns the outcome of a commit that raised this error: "committed", "aborted" or "unknown"."""
    if error is None:
        return "committed"
    if isinstance(error, PyMongoError) and not error.has_error_label("UnknownTransactionCommitResult"):
        return "aborted"
    return "unknown"
