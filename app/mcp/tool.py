"""A tool that is offered to assistants."""

from typing import NamedTuple

from app.execution import JsonObject


class Tool(NamedTuple):
    """A trusted operation that is offered to assistants.

    operation_id: the operation's ID as a trusted document. operation_name: which operation of the document.
    input_schema: the JSON Schema of its variables.
    """

    name: str
    description: str
    operation_id: str
    operation_name: str
    is_query: bool
    input_schema: JsonObject
