"""An outbox that events are written to, and a receiver for them."""

from base64 import b64decode
from collections.abc import Iterator

import pytest

from app.delivery import backoff, lane
from app.settings import Settings, Webhook
from loaders.mongo import Database, Destinations
from loaders.outbox import EVENT_KINDS
from tests.outbox.receiver import SECRET, Receiver, receiving

#: A webhook for all events, and one for a single kind.
DESTINATIONS = Destinations({"crm": EVENT_KINDS, "cdn": frozenset({"course.published"})})


@pytest.fixture
def outgoing(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database in which events are written to the outbox."""
    monkeypatch.setattr(database, "destinations", DESTINATIONS)
    return database


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def posting(settings: Settings, receiver: Receiver) -> Settings:
    """Settings of a gateway that posts to the receiver."""
    key = b64decode(SECRET.removeprefix("whsec_"))
    webhooks = {"webhooks": (Webhook("crm", receiver.url),), "webhook_secrets": {"crm": (key,)}}
    return settings.model_copy(update=webhooks)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dispatcher of this process looks at the outbox often, and retries soon."""
    monkeypatch.setattr(lane, "_EVERY", 0.05)
    monkeypatch.setattr(lane, "_PROBE_EVERY", 0.05)
    monkeypatch.setattr(backoff, "DELAYS", (0.05,))
