"""Messages that are posted to a program of the operator's own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.delivery import Failed, Sent
from app.delivery.messages.http_transport import HttpTransport
from tests.messages.examples import ID, composed
from tests.outbox.receiver import SECRET, Receiver, Reply, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as own:
        yield own


@pytest.fixture
async def transport(receiver: Receiver) -> AsyncIterator[HttpTransport]:
    own = HttpTransport(receiver.url, SECRET)
    yield own
    await own.close()


async def test_a_message_is_posted_signed_with_its_text_and_its_fields(
    transport: HttpTransport, receiver: Receiver
) -> None:
    message = composed("reset_password", language="de")
    assert await transport.carry(message) == Sent()
    (post,) = receiver.posts
    assert post.id == ID
    assert post.event == {
        "type": "message.reset_password",
        "data": {
            "from": {"name": "Example Institute", "address": "courses@example.org"},
            "to": "ada@example.org",
            "language": "de",
            "subject": "Neues Passwort festlegen",
            "text": message.plain,
            "html": message.html,
            "fields": {
                "link": "https://courses.example/account#example",
                "until": "2. März 2026, 09:30 UTC",
                "sender": "Example Institute",
            },
        },
    }


async def test_a_failed_post_is_repeated_with_the_same_id_and_body(
    transport: HttpTransport, receiver: Receiver
) -> None:
    receiver.reply = lambda _: Reply(503)
    assert await transport.carry(composed()) == Failed("HTTP 503")
    receiver.reply = lambda _: Reply(200)
    assert await transport.carry(composed()) == Sent()
    first, second = receiver.posts
    assert (first.id, first.body) == (second.id, second.body)
