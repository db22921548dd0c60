"""The log: where it goes, and what it keeps to itself."""

from collections.abc import Iterator

import pytest
import structlog

from app import errors, logs


@pytest.fixture
def configured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def fail(name: str) -> None:
    raise ValueError(f"{len(name)} letters are too many")


@pytest.mark.usefixtures("configured")
def test_a_traceback_is_on_standard_error_and_has_no_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    student = " ".join(["Ada", "Lovelace"])
    try:
        fail(student)
    except ValueError as error:
        told = errors.unexpected(error)
    logged = capsys.readouterr()
    assert logged.out == ""
    assert told["extensions"]["errorId"] in logged.err
    assert "ValueError: 12 letters are too many" in logged.err
    assert "fail(student)" in logged.err
    assert student not in logged.err
