"""Why an operation is not run."""

from collections.abc import Sequence

from graphql import GraphQLError

from app import errors
from app.execution.operation import Refusal


class RefusedError(Exception):
    """An operation is not run: some reasons, all with one code."""

    def __init__(self, reasons: Sequence[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(errors.request_errors(list(reasons), code))
        for reason in reasons:
            _forget_frames(reason)


def _forget_frames(error: BaseException) -> None:
    """Frames hold what the request brought; those of graphql-core hold the error, too: a cycle."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        if (one := left.pop()) is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = None
        left += [one.__cause__, one.__context__, getattr(one, "original_error", None)]
