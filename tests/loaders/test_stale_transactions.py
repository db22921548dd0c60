"""Stale transactions, on a mongod of their own, because the other tests have transactions too."""

import asyncio
from collections.abc import Iterator

import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure
from structlog.testing import capture_logs

from app import embedded
from app.background import end_stale_transactions
from app.database import connect
from loaders.mongo import Document
from loaders.mongo.transactions.stale_transactions import StaleTransactions
from tests.storm.storm import settings_of

IDLE = 0.2  # seconds


@pytest.fixture(scope="module")
def own_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.running(tmp_path_factory.mktemp("abandoned") / "mongod") as uri:
        yield uri


@pytest.fixture
def left_open(own_uri: str, request: pytest.FixtureRequest) -> Iterator[ClientSession]:
    """An open transaction of a program with some name, which has written to the only document."""
    with MongoClient[Document](own_uri, appname=request.param) as client:
        things = client["abandoned"]["things"]
        things.replace_one({"_id": 1}, {"n": 0}, upsert=True)
        with client.start_session() as session, session.start_transaction():
            things.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
            yield session
            if session.in_transaction:
                session.abort_transaction()


@pytest.mark.parametrize("left_open", ["lectern"], indirect=True)
async def test_a_stale_transaction_is_ended_and_others_can_write(
    own_uri: str, left_open: ClientSession
) -> None:
    async with connect(settings_of(own_uri, "abandoned")) as database:
        stale = StaleTransactions(database)
        await asyncio.sleep(IDLE)
        assert await stale.end(IDLE) == 0  # the gateway may be slow, or mongod was suspended
        assert await stale.end(IDLE) == 1
        await asyncio.wait_for(database["things"].update_one({"_id": 1}, {"$set": {"n": 7}}), 5)
        assert await database["things"].find_one() == {"_id": 1, "n": 7}
        assert await stale.end(IDLE) == 0
    with pytest.raises(OperationFailure) as raised:
        left_open.commit_transaction()
    assert raised.value.has_error_label("TransientTransactionError")  # a live gateway retries


@pytest.mark.parametrize("left_open", ["lectern"], indirect=True)
@pytest.mark.usefixtures("left_open")
async def test_the_log_does_not_say_that_a_gateway_that_is_stuck_has_died(own_uri: str) -> None:
    """Here, the transaction's client is alive."""
    async with connect(settings_of(own_uri, "abandoned")) as database:
        with capture_logs() as logged:
            checking = asyncio.create_task(end_stale_transactions(database))
            while not logged:  # noqa: ASYNC110 # a log has no event to await
                await asyncio.sleep(0.05)
            checking.cancel()
    event = "aborted idle transactions: a gateway died or is stuck"
    assert logged == [{"event": event, "transactions": 1, "log_level": "warning"}]


@pytest.mark.parametrize("left_open", ["lectern"], indirect=True)
async def test_a_transaction_in_use_is_left_alone(own_uri: str, left_open: ClientSession) -> None:
    async with connect(settings_of(own_uri, "abandoned")) as database:
        stale = StaleTransactions(database)
        assert [await stale.end(), await stale.end()] == [0, 0]
        await asyncio.sleep(IDLE)
        assert await stale.end(IDLE) == 0
        things = left_open.client["abandoned"]["things"]
        left_open.commit_transaction()
        with left_open.start_transaction():
            things.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=left_open)
            await asyncio.sleep(IDLE)
            assert await stale.end(IDLE) == 0  # it is another transaction
    left_open.commit_transaction()


@pytest.mark.parametrize("left_open", ["another"], indirect=True)
async def test_a_transaction_of_another_program_is_left_alone(own_uri: str, left_open: ClientSession) -> None:
    async with connect(settings_of(own_uri, "abandoned")) as database:
        stale = StaleTransactions(database)
        await asyncio.sleep(IDLE)
        assert [await stale.end(IDLE), await stale.end(IDLE)] == [0, 0]
    left_open.commit_transaction()
