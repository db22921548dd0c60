"""The exception raised when an operation is refused instead of run."""

from collections.abc import Sequence

from graphql import GraphQLError

from app import errors
from app.execution.operation import Refusal


class RefusedError(Exception):
    """Raised when an operation is refused. If there are several reasons, they share one error code."""

    def __init__(self, reasons: Sequence[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(errors.request_errors(list(reasons), code))
        for reason in reasons:
            _forget_frames(reason)


def _forget_frames(error: BaseException) -> None:
    """Drops the tracebacks of an error and of its causes.

    The frames in the tracebacks would keep the request's data alive. graphql-core's frames also refer to the
    error, which would form a reference cycle.
    """
    pending: list[BaseException | None] = [error]
    seen_ids: set[int] = set()
    while pending:
        if (cause := pending.pop()) is None or id(cause) in seen_ids:
            continue
        seen_ids.add(id(cause))
        cause.__traceback__ = None
        pending += [cause.__cause__, cause.__context__, getattr(cause, "original_error", None)]
