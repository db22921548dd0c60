"""Validates and prices the operations of a manifest before they become trusted."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from graphql import GraphQLError, OperationDefinitionNode, parse

from app.error_codes import BAD_USER_INPUT, OPERATION_RESOLUTION_FAILURE
from app.execution import Executor, Operation, Refusal
from app.persisted.manifests import ManifestOperation
from loaders.persisted import NewOperation

_LONGEST_NAME = 100  # maximum length of a name, in characters
#: Matches the beginning of a document up to the name of its operation.
_BEGINNING = re.compile(r"(?:\s|\#[^\n]*)*+(?:query|mutation|subscription)\s+([_A-Za-z]\w*)")
_SEVERAL = "it has several operations. Write a document for each, with the fragments that it uses."


class Checked(NamedTuple):
    """The valid operations of a manifest, and a line for each error in the others."""

    operations: Sequence[NewOperation]
    problems: Sequence[str]


def check_manifest(executor: Executor, operations: Sequence[ManifestOperation]) -> Checked:
    """Checks every operation against the schema and the limits."""
    valid: list[NewOperation] = []
    problems: list[str] = []
    for operation in operations:
        price = _price(executor, Operation(operation.text))
        if isinstance(price, Refusal):
            problems += [f"{_label(operation)}: {problem}" for problem in _problems(price)]
        else:
            valid.append(NewOperation(*operation, _name(operation.text), price))
    return Checked(valid, problems)


def _price(executor: Executor, operation: Operation) -> int | Refusal:
    """Returns the highest price of an operation. It can exceed the limit, because large pages may do that.

    Returns the refusal of an operation that is invalid, or too expensive with the defaults of its variables.
    """
    checked = executor.prepare(operation)
    # Errors of this code are about variables, which have no values here: the document is valid.
    if isinstance(checked, Refusal) and checked.code != BAD_USER_INPUT:
        return checked
    highest = executor.highest_price(operation)
    return highest if isinstance(highest, Refusal) else highest.cost.price


def _problems(refusal: Refusal) -> Sequence[str]:
    if refusal.code == OPERATION_RESOLUTION_FAILURE:
        return [_SEVERAL]
    return [_place(error.get("locations")) + error["message"] for error in refusal.errors]


def _place(locations: Sequence[dict[str, int]] | None) -> str:
    return f"line {locations[0]['line']}, column {locations[0]['column']}: " if locations else ""


def _label(operation: ManifestOperation) -> str:
    name = _name(operation.text)
    return f"{name} ({operation.id})" if name else operation.id


def _name(text: str) -> str:
    """Returns the name of a document's first operation; "" if it has none.

    In a document that can't be parsed, the name is found only at the beginning.
    """
    try:
        definitions = parse(text, no_location=True).definitions
    except (GraphQLError, RecursionError):
        found = _BEGINNING.match(text)
        return found[1][:_LONGEST_NAME] if found else ""
    names = [one.name for one in definitions if isinstance(one, OperationDefinitionNode)]
    return names[0].value[:_LONGEST_NAME] if names and names[0] else ""
