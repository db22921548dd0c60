"""The cache of trusted operations: no number of other texts pushes one out."""

import pytest

from app.error_codes import OPERATION_RESOLUTION_FAILURE
from app.execution import Document, Executor, Operation, Refusal
from resolvers.schema import schema

TRUSTED = Operation("query B { categories { slug } }", way="trusted")


async def test_many_texts_push_no_trusted_operation_out() -> None:
    """The cache of other texts has room for ten, and has evicted the rest."""
    executor = Executor(schema, cache_entries=10, max_trusted=1)
    document = await executor.read(TRUSTED)
    assert isinstance(document, Document)
    for n in range(2_000):
        await executor.read(Operation(f"{{ a{n}: __typename }}"))
        await executor.read(Operation(f"query A {{ a{n}: __typename }}", None, "A", way="apq"))
        await executor.read(Operation(f"{{ nothing{n} }}"))
        await executor.read(Operation(TRUSTED.query, None, f"Name{n}"))
        await executor.read(TRUSTED._replace(operation_name=f"Name{n}"))
    assert executor.cache_size()[0] <= 10
    assert executor.kept(TRUSTED) is document
    assert executor.kept(Operation("{ a0: __typename }")) is None


async def test_the_same_text_from_a_client_takes_no_place_among_the_trusted() -> None:
    executor = Executor(schema, max_trusted=1)
    document = await executor.read(TRUSTED)
    other = await executor.read(TRUSTED._replace(way="text"))
    assert executor.kept(TRUSTED) is document
    assert other is not document


async def test_all_trusted_operations_stay_with_and_without_their_names() -> None:
    executor = Executor(schema, max_trusted=50)
    texts = [f"query A{n} {{ __typename }}" for n in range(50)]
    documents = [await executor.read(Operation(text, way="trusted")) for text in texts]
    assert len(set(documents)) == 50
    for name in (None, "A{}"):
        operations = [
            Operation(text, None, name and name.format(n), way="trusted") for n, text in enumerate(texts)
        ]
        assert [executor.kept(operation) for operation in operations] == documents


@pytest.mark.parametrize("text", [TRUSTED.query, "{ __typename }"])
async def test_an_invented_name_is_refused_without_reading_the_text(text: str) -> None:
    executor = Executor(schema)
    document = await executor.read(Operation(text, None, "Invented", way="trusted"))
    assert isinstance(document, Refusal)  # though the text was read, once
    assert isinstance(executor.kept(Operation(text, way="trusted")), Document)
    for n in range(100):
        refusal = executor.kept(Operation(text, None, f"Name{n}", way="trusted"))
        assert isinstance(refusal, Refusal)
        assert refusal.code == OPERATION_RESOLUTION_FAILURE
        assert refusal.errors[0]["message"] == f"The document has no operation named 'Name{n}'."


async def test_a_trusted_operation_that_is_invalid_now_is_read_once() -> None:
    """Other refusals can't push it out, and names don't make it be read again."""
    executor = Executor(schema)
    invalid = Operation("{ nothing }", way="trusted")
    refusal = await executor.read(invalid)
    for n in range(300):
        await executor.read(Operation(f"{{ nothing{n} }}"))
    assert executor.kept(invalid) is executor.kept(invalid._replace(operation_name="A")) is refusal
