"""Posts to webhooks: their form, their signatures, and what the answers mean."""

from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event as ThreadEvent
from time import monotonic

import pytest
from bson import ObjectId
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from app.delivery import Failed, Sent
from app.delivery.webhook_sender import WebhookSender
from app.settings import Webhook
from loaders.outbox import EntryDoc
from resolvers.relay import encode_id
from tests.outbox.receiver import SECRET, Receiver, Reply

KEY = b64decode(SECRET.removeprefix("whsec_"))
COURSE = ObjectId()


@pytest.fixture
async def sender(receiver: Receiver) -> AsyncIterator[WebhookSender]:
    own = WebhookSender(Webhook("crm", receiver.url), [KEY])
    yield own
    await own.close()


def entry() -> EntryDoc:
    own: EntryDoc = {
        "_id": ObjectId(),
        "destination": "crm",
        "kind": "enrollment.created",
        "subject": f"Course:{COURSE}",
        "sequence": 3,
        "data": {"courseId": COURSE, "runId": None, "status": "ACTIVE"},
        "people": [],
        "to": None,
        "language": None,
        "at": datetime(2026, 6, 1, 12, 30, 0, 5_000),
        "expiresOn": None,
        "state": "PENDING",
        "dueAt": datetime(2026, 6, 1),
        "claim": "c",
        "attempts": 0,
        "lastError": None,
        "sentAt": None,
        "deleteAt": None,
    }
    return own


async def test_an_event_is_posted_with_global_ids_and_a_signature(
    sender: WebhookSender, receiver: Receiver
) -> None:
    own = entry()
    assert await sender.send(own) == Sent()
    (post,) = receiver.posts
    course = encode_id("Course", {"_id": COURSE})
    assert post.event == {
        "type": "enrollment.created",
        "timestamp": "2026-06-01T12:30:00.005Z",
        "subject": course,
        "sequence": 3,
        "data": {"courseId": course, "runId": None, "status": "ACTIVE"},
    }
    assert post.id == str(own["_id"])
    assert post.headers["content-type"] == "application/json"
    assert post.headers["user-agent"] == "Lectern"


async def test_each_attempt_has_the_same_id_and_body(sender: WebhookSender, receiver: Receiver) -> None:
    own = entry()
    for attempts in range(2):
        await sender.send({**own, "attempts": attempts})
    one, two = receiver.posts
    assert (one.id, one.body) == (two.id, two.body)


async def test_a_signature_by_another_key_is_refused(sender: WebhookSender, receiver: Receiver) -> None:
    await sender.send(entry())
    (post,) = receiver.posts
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + "A" * 32).verify(post.body, dict(post.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(post.body + b" ", dict(post.headers))


async def test_while_a_receiver_changes_its_secret_both_are_good(receiver: Receiver) -> None:
    sender = WebhookSender(Webhook("crm", receiver.url), [b"n" * 32, KEY])
    await sender.send(entry())
    await sender.close()
    (post,) = receiver.posts
    for secret in (SECRET, "whsec_bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="):
        Verifier(secret).verify(post.body, dict(post.headers))


@pytest.mark.parametrize("status", [200, 204, 299])
async def test_any_success_counts(sender: WebhookSender, receiver: Receiver, status: int) -> None:
    receiver.reply = lambda _: Reply(status)
    assert await sender.send(entry()) == Sent()


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(500), Failed("HTTP 500")),
        (Reply(400), Failed("HTTP 400")),
        (Reply(410), Failed("HTTP 410", is_final=True)),
        (Reply(302, {"location": "http://127.0.0.1:1/"}), Failed("HTTP 302")),
        (Reply(429, {"retry-after": "120"}), Failed("HTTP 429", 120.0)),
        (Reply(503, {"retry-after": "soon"}), Failed("HTTP 503")),
        (Reply(503, {"retry-after": ""}), Failed("HTTP 503")),
        (Reply(503, {"retry-after": "Fri, 31 Dec 9999 23:59:59 -2300"}), Failed("HTTP 503")),
        (Reply(503, {"retry-after": "9" * 400}), Failed("HTTP 503", 999_999_999.0)),
        (Reply(503, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}), Failed("HTTP 503", 0.0)),
    ],
)
async def test_any_other_answer_is_a_failure(
    sender: WebhookSender, receiver: Receiver, reply: Reply, outcome: Failed
) -> None:
    """Redirects are not followed: they could lead into the gateway's own network."""
    receiver.reply = lambda _: reply
    assert await sender.send(entry()) == outcome
    assert len(receiver.posts) == 1


async def test_a_date_to_wait_for_is_honoured(sender: WebhookSender, receiver: Receiver) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    receiver.reply = lambda _: Reply(503, {"retry-after": format_datetime(moment, usegmt=True)})
    failed = await sender.send(entry())
    assert isinstance(failed, Failed)
    assert failed.retry_after is not None
    assert 3_500 < failed.retry_after <= 3_600


async def test_a_receiver_that_is_away_is_a_failure(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.go_away()
    assert await sender.send(entry()) == Failed("ConnectError")
    receiver.come_back()


async def test_no_more_of_a_response_is_read_than_needed(sender: WebhookSender, receiver: Receiver) -> None:
    """An endless one doesn't fill the memory, nor does it hold up the delivery."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    receiver.reply = lambda _: Reply(200, body=endless)
    assert await sender.send(entry()) == Sent()
    assert sent < 50_000_000


async def test_a_receiver_that_never_ends_its_answer_has_taken_the_event(
    sender: WebhookSender, receiver: Receiver
) -> None:
    """The status says so. If it counted as a failure, the event would be posted again and again."""
    ended = ThreadEvent()

    def endless() -> Iterator[bytes]:
        yield b"x"
        ended.wait(30)

    receiver.reply = lambda _: Reply(200, {"content-length": "9"}, body=endless)
    began = monotonic()
    try:
        assert await sender.send(entry()) == Sent()
    finally:
        ended.set()
    assert monotonic() - began < WebhookSender.timeout / 2


async def test_a_receiver_that_closes_within_its_answer_has_taken_the_event(
    sender: WebhookSender, receiver: Receiver
) -> None:
    receiver.reply = lambda _: Reply(200, {"content-length": "9", "connection": "close"})
    assert await sender.send(entry()) == Sent()


async def test_cookies_of_a_receiver_are_not_kept(sender: WebhookSender, receiver: Receiver) -> None:
    """It could set another one with each answer, without end."""
    receiver.reply = lambda post: Reply(200, {"set-cookie": f"c{len(receiver.posts)}=x; Max-Age=9999"})
    for _ in range(2):
        await sender.send(entry())
    assert "cookie" not in receiver.posts[1].headers
    assert len(sender._client.cookies.jar) == 0


async def test_a_head_without_end_is_a_failure(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.reply = lambda _: Reply(200, {f"x-{n}": "x" * 8_000 for n in range(50)})
    failed = await sender.send(entry())
    assert isinstance(failed, Failed)
    assert failed.error == "RemoteProtocolError"
