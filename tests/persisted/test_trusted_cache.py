"""The cache of trusted operations: no number of other texts pushes one out."""

from app.execution import Document, Executor, Operation
from resolvers.schema import schema

TRUSTED = Operation("query B { categories { slug } }", way="trusted")


async def test_many_texts_push_no_trusted_operation_out() -> None:
    """The cache of other texts has room for ten, and has evicted the rest."""
    executor = Executor(schema, cache_entries=10)
    document = await executor.read(TRUSTED)
    assert isinstance(document, Document)
    for n in range(2_000):
        await executor.read(Operation(f"{{ a{n}: __typename }}"))
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
    operations = [Operation(text, way="trusted") for text in texts]
    operations += [Operation(text, None, text.split()[1], way="trusted") for text in texts]
    documents = [await executor.read(operation) for operation in operations]
    assert [executor.kept(operation) for operation in operations] == documents
