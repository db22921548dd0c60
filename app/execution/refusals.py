"""Why an operation is not run."""

from collections.abc import Sequence

from graphql import GraphQLError

from app import errors
from app.execution.operation import Answer


class RefusedError(Exception):
    """An operation is not run: some reasons, all with one code."""

    def __init__(self, reasons: Sequence[GraphQLError], code: str) -> None:
        super().__init__(code)
        self.answer = Answer({"errors": errors.request_errors(list(reasons), code)})
