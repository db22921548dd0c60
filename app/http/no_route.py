"""Responses to requests that no route serves. They have the form of GraphQL errors, as all refusals have."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.error_codes import BY_STATUS

_NOT_FOUND = "There is nothing at this path. The GraphQL endpoint is /graphql."


async def unrouted(_: Request, error: Exception) -> Response:
    """Handles the HTTPException of a route or of the router: a wrong path or method, or a missing file."""
    assert isinstance(error, HTTPException)  # noqa: S101 # Starlette's type for handlers is Exception
    message = _NOT_FOUND if error.status_code == 404 else f"{error.detail}."
    refusal = {"message": message, "extensions": {"code": BY_STATUS[error.status_code]}}
    headers = dict(error.headers or {})
    if "Allow" in headers:  # Starlette joins a set, whose order differs from process to process
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    return JSONResponse({"errors": [refusal]}, error.status_code, headers)
