"""The log: where it goes, and what it leaves out."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from app import errors
from app.observing import Throttled, ThrottledErrors, logs, throttled, without_secrets
from app.settings import Settings


@pytest.fixture
def configured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def fail(name: str) -> None:
    raise ValueError(f"{len(name)} letters are too many")


@pytest.mark.usefixtures("configured")
async def test_a_traceback_is_on_standard_error_without_values_of_variables(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    logs.configure_logs(settings)
    student = " ".join(["Ada", "Lovelace"])
    try:
        fail(student)
    except ValueError as error:
        told = errors.unexpected(error)
    logged = capsys.readouterr()
    assert logged.out == ""
    assert told["extensions"]["errorId"] in logged.err
    assert logged.err.endswith("ValueError\n")
    assert "fail(student)" in logged.err
    assert student not in logged.err


@pytest.mark.usefixtures("configured")
async def test_control_characters_are_escaped_in_lines_for_people(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    logs.configure_logs(settings.model_copy(update={"log_format": "console"}))
    evil = "\x1b]0;a\x07\r\n\u202eb"
    structlog.get_logger().warning("sent", origin=evil, names=[evil])
    logged = capsys.readouterr().err
    assert logged.count(r"\x1b]0;a\x07\r\n\u202eb") == 2
    assert logged.count("\n") == 1


async def test_the_first_warning_is_logged_and_repetitions_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttled, "_EVERY", 0.05)
    one, another = Throttled("one kind"), Throttled("another")
    with capture_logs() as logged:
        for number in range(5):
            one.warning(number=number)
        another.warning()
        await asyncio.sleep(0.25)  # nothing was repeated in the last interval
        one.warning(number=5)
        await asyncio.sleep(0.1)
    own = [
        line for line in logged if line["event"] in {"one kind", "another"}
    ]  # the count of repetitions is logged late
    assert [{**line, "log_level": ""} for line in own] == [
        {"event": "one kind", "number": 0, "log_level": ""},
        {"event": "another", "log_level": ""},
        {"event": "one kind", "repeated": 4, "log_level": ""},
        {"event": "one kind", "number": 5, "log_level": ""},
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://bob:pass@host:9/keys?token=t0ken", "http://host:9/keys"),
        ("can't reach https://h/x?api-key=k (refused)", "can't reach https://h/x (refused)"),
        ("/run/secrets/keys.json", "/run/secrets/keys.json"),
    ],
)
def test_urls_are_logged_without_passwords_and_tokens(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


async def test_errors_are_throttled_by_class_and_place_for_a_bounded_number_of_kinds() -> None:
    """With one kind too many, the oldest is forgotten, and is logged again."""
    kinds = [type(f"Error{number}", (Exception,), {}) for number in range(throttled._MOST_KINDS + 1)]
    errors = ThrottledErrors("failed")
    with capture_logs() as logged:
        for kind in [*kinds[:-1], kinds[0]]:
            errors.error(kind())
        assert len(logged) == throttled._MOST_KINDS
        errors.error(kinds[-1]())  # forgets the second, which has waited longest
        errors.error(kinds[1]())
        errors.error(kinds[0]())
    again = [line["kind"] for line in logged[throttled._MOST_KINDS :]]
    assert again == [kinds[-1].__name__, kinds[1].__name__]
    assert len(errors._kinds) == throttled._MOST_KINDS
