"""Lines of the log that would repeat themselves are counted."""

import asyncio

import pytest
from structlog.testing import capture_logs

from app import repeats


async def test_the_first_is_logged_and_the_others_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_EVERY", 0.05)
    with capture_logs() as logged:
        for number in range(5):
            repeats.warn("one kind", number=number)
        repeats.warn("another")
        await asyncio.sleep(0.25)  # there were none in the last while
        repeats.warn("one kind", number=5)
        await asyncio.sleep(0.1)
    assert [{**line, "log_level": ""} for line in logged] == [
        {"event": "one kind", "number": 0, "log_level": ""},
        {"event": "another", "log_level": ""},
        {"event": "one kind", "repeated": 4, "log_level": ""},
        {"event": "one kind", "number": 5, "log_level": ""},
    ]
