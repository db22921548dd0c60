"""docs/webhooks.md says what the code does."""

import re
from pathlib import Path

from bson import ObjectId

from app.delivery import backoff, lane
from app.delivery.webhook_sender import WebhookSender
from app.settings import Settings
from loaders import outbox
from loaders.mongo import Database
from loaders.outbox import EVENT_KINDS
from tests.outbox.support import noted, published

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())

_UNITS = {"second": 1, "minute": 60, "hour": 3_600}


def test_each_kind_of_event_is_described() -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| the ", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(EVENT_KINDS)


def test_the_pauses_after_failures_are_those_of_the_code() -> None:
    sentence = re.search(r"again after about (.*?), then every 6 hours", TEXT)
    assert sentence
    found: list[float] = []
    for numbers, unit in re.findall(r"([\d, and]+) (second|minute|hour)s?", sentence[1]):
        found += [float(number) * _UNITS[unit] for number in re.findall(r"\d+", numbers)]
    assert tuple(found) == backoff.DELAYS


def test_the_times_and_numbers_are_those_of_the_code() -> None:
    for text, number in (
        ("Answer within ten seconds", WebhookSender.timeout == 10),
        ("claims some events for 90 seconds", lane._LEASE == 90),
        ("After five failures in a row", lane._FAILING == 5),
        ("with one event every five seconds", lane._PROBE_EVERY == 5),
        ("up to four at the same time", lane._PARALLEL == 4),
        ("looks at the outbox every 2 seconds", lane._EVERY == 2),
        ("`LECTERN_DELIVERY_TRIES` failures (12,", Settings().delivery_tries == 12),
        ("the last `LECTERN_OUTBOX_DAYS` (7) days", Settings().outbox_days == 7),
    ):
        assert text in TEXT, text
        assert number, text


def test_twelve_tries_take_about_thirty_hours() -> None:
    hours = sum(backoff.DELAYS[min(n, len(backoff.DELAYS) - 1)] for n in range(11)) / 3_600
    assert 28 < hours < 32
    assert "(12, about 30 hours)" in TEXT


def test_a_pause_varies_by_a_fifth_and_is_as_long_as_the_receiver_asks() -> None:
    for attempts, planned in ((1, 5), (2, 30), (8, 21_600), (50, 21_600)):
        pauses = [backoff.delay(attempts) for _ in range(200)]
        assert 0.8 * planned <= min(pauses) < planned < max(pauses) <= 1.2 * planned
    assert backoff.delay(1, retry_after=60) == 60
    assert backoff.delay(1, retry_after=1_000_000) == 21_600


async def test_a_delivery_takes_four_commands_and_one_for_each_event(
    outgoing: Database, mongo_commands: list[str]
) -> None:
    await noted(outgoing, *(published(ObjectId()) for _ in range(10)))
    mongo_commands.clear()
    entries = await outbox.claimed(outgoing, "crm", most=20, lease=60)
    assert len(mongo_commands) == 4
    for entry in entries:
        await outbox.sent(outgoing, entry, days=7)
    assert mongo_commands[4:] == ["update outbox"] * 10
