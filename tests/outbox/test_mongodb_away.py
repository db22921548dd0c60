"""While MongoDB doesn't answer, nothing is posted; afterwards, all of it is, and once."""

import pytest
from bson import ObjectId
from structlog.testing import capture_logs

from app.database import connect
from app.settings import Settings
from loaders import indexes
from tests.loaders.mongod import Mongod, own_mongod
from tests.outbox.conftest import DESTINATIONS
from tests.outbox.receiver import Receiver
from tests.outbox.support import noted, published, until
from tests.writes.support import served

__all__ = ["own_mongod"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("commands", [["find"], ["update"]])
async def test_deliveries_go_on_when_mongodb_is_back(
    posting: Settings, receiver: Receiver, own_mongod: Mongod, commands: list[str]
) -> None:
    """The commands that look for what is due fail, or those that claim it and record what became of it."""
    receiver.posts.clear()
    own = own_mongod.settings(webhooks=posting.webhooks, webhook_secrets=posting.webhook_secrets)
    async with connect(own) as database:
        database.destinations = DESTINATIONS
        await indexes.ensure(database)
        for _ in range(5):
            await noted(database, *(published(course) for course in (A, B)))
    with capture_logs() as logged:
        async with served(own):
            with own_mongod.failing(failCommands=commands, errorCode=8):
                await until(lambda: any(line["event"] == UNUSABLE for line in logged))
            await until(lambda: len({post.id for post in receiver.posts}) == 10)
    subjects: dict[str, list[int]] = {}
    for event in {post.id: post.event for post in receiver.posts}.values():
        subjects.setdefault(event["subject"], []).append(event["sequence"] % 5 or 5)
    assert list(subjects.values()) == [[1, 2, 3, 4, 5]] * 2


A, B = ObjectId(), ObjectId()
UNUSABLE = "the outbox can't be read or written"
