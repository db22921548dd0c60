"""A document has the errors that graphql-core finds with all of its rules."""

import asyncio

import pytest
from graphql import parse, specified_rules, validate

from app.error_codes import OPERATION_TOO_LARGE, VALIDATION_FAILED
from app.execution import Executor, Operation, Refusal
from app.execution.refusals import RefusedError
from resolvers.schema import schema
from tests.protection.test_texts import TEXTS

FIELD = "courses { totalCount }"
DOCUMENTS = {
    "no variables": f"{{ {FIELD} }}",
    "a dollar in a string": '{ course(slug: "$fragment") { id } }',
    "a word in a comment": f"{{ {FIELD} }} # fragment $",
    "a variable": "query ($first: Int) { courses(first: $first) { totalCount } }",
    "an undefined variable": "{ courses(first: $first) { totalCount } }",
    "an undefined variable in a fragment": """
        { ...F } fragment F on Query { courses(first: $first) { totalCount } }
    """,
    "an unused variable": f"query ($first: Int) {{ {FIELD} }}",
    "a repeated variable": "query ($a: Int, $a: Int) { courses(first: $a) { totalCount } }",
    "a variable of an output type": "query ($a: Course) { courses(first: $a) { totalCount } }",
    "a variable in a wrong position": "query ($a: String) { courses(first: $a) { totalCount } }",
    "a variable in a directive": "{ courses @skip(if: $a) { totalCount } }",
    "an unused fragment": f"{{ {FIELD} }} fragment F on Course {{ id }}",
    "a fragment that only an unused one spreads": f"""
        {{ {FIELD} }} fragment F on Course {{ ...G }} fragment G on Course {{ id }}
    """,
    "an unknown fragment": "{ ...F }",
    "several operations": """
        query A($a: Int) { courses(first: $b) { totalCount } }
        query B($b: Int) { ...F }
        fragment F on Query { courses(first: $a) { totalCount } }
    """,
}

#: Texts that are refused before they are validated.
TOO_LARGE = {"more overlapping fields", "operations without their variables", "open brackets"}


@pytest.mark.parametrize("name", [*DOCUMENTS, *sorted(TEXTS.keys() - TOO_LARGE)])
def test_a_document_has_the_errors_of_graphql_core(name: str) -> None:
    text = {**DOCUMENTS, **TEXTS}[name]
    answer = Executor(schema).prepare(Operation(text))
    assert not isinstance(answer, Refusal) or answer.code != OPERATION_TOO_LARGE
    errors = validate(schema, parse(text), specified_rules, 10)
    expected = RefusedError(errors, VALIDATION_FAILED).refusal if errors else None
    is_invalid = isinstance(answer, Refusal) and answer.code == VALIDATION_FAILED
    assert (answer if is_invalid else None) == expected


@pytest.mark.parametrize("text", [DOCUMENTS["no variables"], DOCUMENTS["a variable"]])
async def test_other_tasks_run_after_parsing_and_after_validation(text: str) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await asyncio.sleep(0)
    before = turns
    await Executor(schema).read(Operation(text))
    beside.cancel()
    assert turns - before == 2
