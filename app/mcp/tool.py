"""The tools that are offered to assistants, made from trusted operations."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    visit,
)

from app.execution import JsonObject
from app.mcp.json_schema import UnknownTypeError, input_schema
from app.observing import Throttled
from loaders.persisted import StoredTool

_OUTDATED = Throttled(
    "a tool isn't offered: a variable of its operation has a type that the schema doesn't have"
)
_UNREADABLE = Throttled("a tool isn't offered: the stored text of its operation isn't valid GraphQL")


class Trusted(Protocol):
    """The part of app.persisted.TrustedOperations that makes the tools."""

    tools: Sequence[StoredTool]

    def text_of(self, name: str) -> str | None: ...


class Tool(NamedTuple):
    """A trusted operation that is offered to assistants.

    operation_id: its id as a trusted operation. input_schema: the JSON Schema of its variables. page_sizes:
    the variables that are the sizes of pages.
    """

    name: str
    description: str
    operation_id: str
    is_query: bool
    input_schema: JsonObject
    page_sizes: Sequence[str] = ()


class _Made(NamedTuple):
    """A tool and what it was made of. tool: None if none could be made."""

    stored: StoredTool
    text: str
    tool: Tool | None


class Tools:
    """The current tools, by name. A tool is made again only when what it is made of has changed."""

    def __init__(self, schema: GraphQLSchema, trusted: Trusted) -> None:
        self._schema, self._trusted = schema, trusted
        self._made_of: Sequence[StoredTool] = ()
        self._made: Mapping[str, _Made] = {}
        self._by_name: Mapping[str, Tool] = {}

    def by_name(self) -> Mapping[str, Tool]:
        """Returns the tools; the same mapping as before if none has changed."""
        stored, text_of = self._trusted.tools, self._trusted.text_of
        if stored is not self._made_of:
            made = [self._of(one, text) for one in stored if (text := text_of(one.operation))]
            self._made = {one.stored.name: one for one in made}
            by_name = {one.tool.name: one.tool for one in made if one.tool}
            if by_name != self._by_name:
                self._by_name = by_name
            self._made_of = stored
        return self._by_name

    def _of(self, stored: StoredTool, text: str) -> _Made:
        before = self._made.get(stored.name)
        if before is not None and (before.stored, before.text) == (stored, text):
            return before
        return _Made(stored, text, self._tool(stored, text))

    def _tool(self, stored: StoredTool, text: str) -> Tool | None:
        try:
            document = parse(text, no_location=True)
            operation = _operation(document)
            described = input_schema(self._schema, operation, stored.variables)
        except UnknownTypeError:
            _OUTDATED.warning(tool=stored.name)
            return None
        except (GraphQLError, LookupError, RecursionError, ValueError):  # written by hand
            _UNREADABLE.warning(tool=stored.name)
            return None
        is_query = operation.operation is OperationType.QUERY
        sizes = _page_sizes(document)
        return Tool(stored.name, stored.description, stored.operation, is_query, described, sizes)


def variables_of(text: str) -> set[str]:
    """Returns the names of the variables that the operation in a valid document defines."""
    operation = _operation(parse(text, no_location=True))
    return {one.variable.name.value for one in operation.variable_definitions or ()}


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    """Returns the operation of a trusted document, which has exactly one.

    Raises LookupError if a document that was written by hand has none.
    """
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return operations[0]


def _page_sizes(document: DocumentNode) -> Sequence[str]:
    """Returns the names of the variables that are passed as `first` or `last`, in their order."""
    sizes = _PageSizes()
    visit(document, sizes)
    return tuple(sizes.names)


class _PageSizes(Visitor):
    """Collects the variables that are the sizes of pages."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if node.name.value in {"first", "last"} and isinstance(node.value, VariableNode):
            self.names[node.value.name.value] = None
