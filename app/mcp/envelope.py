"""The form of an MCP message, which is a request or a notification of JSON-RPC 2.0."""

from starlette.exceptions import HTTPException

from app.http import json_value

_LONGEST_ID = 1_000  # maximum length of an id in characters: it is repeated in the response


def require_message(body: bytes) -> None:
    """Raises HTTPException (400) if a body isn't one message, with a text that says what to change.

    What is in `params` is up to the message's method. Responses are refused, because the server sends no
    requests.
    """
    message = json_value(body, "The body")
    if isinstance(message, list):
        raise HTTPException(400, "The body must be a single message: batches are not supported.")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise HTTPException(400, 'The body must be a JSON-RPC message, an object with `"jsonrpc": "2.0"`.')
    if not isinstance(message.get("method"), str):
        raise HTTPException(
            400, "`method` is missing: it must be the name of a method, such as `tools/list`."
        )
    if not isinstance(message.get("params", {}), dict):
        raise HTTPException(400, "`params` must be an object.")
    if "id" in message and not _is_id(message["id"]):
        raise HTTPException(400, f"`id` must be an integer, or a text of at most {_LONGEST_ID:,} characters.")


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_ID
    return isinstance(value, int) and not isinstance(value, bool)
