"""E-mails: their headers and parts, and values that would like to be more than text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.messages.composing import as_email
from loaders.outbox import MessageKind
from tests.messages.examples import ID, composed

EVIL = "Statistics\r\nBcc: everyone@example.org\r\n\r\n<script>alert(1)</script> {link}"


def test_an_email_has_a_text_an_html_part_and_headers_that_say_what_it_is() -> None:
    email = as_email(composed("moved_up", language="de"))
    assert email["From"] == "Example Institute <courses@example.org>"
    assert email["To"] == "ada@example.org"
    assert email["Subject"] == "Sie haben einen Platz: Statistics & Probability"
    assert email["Message-ID"] == f"<{ID}@example.org>"
    assert email["Content-Language"] == "de"
    assert email["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in email.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "shown"), [("en", "2 March 2026, 09:30 UTC"), ("de", "2. März 2026, 09:30 UTC")]
)
def test_a_time_is_written_in_the_language_of_the_message(language: str, shown: str) -> None:
    assert shown in composed("password_changed", language=language).plain


@pytest.mark.parametrize("kind", ["moved_up", "run_cancelled"])
def test_a_title_with_line_breaks_or_markup_stays_a_title(kind: MessageKind) -> None:
    message = composed(kind, course=EVIL)
    email = as_email(message)
    assert email["Bcc"] is None
    assert "Statistics Bcc: everyone@example.org <script>alert(1)</script> {link}" in email["Subject"]
    assert message.html is not None
    assert "<script>" not in message.html
    assert "&lt;script&gt;" in message.html


@pytest.mark.parametrize(
    ("course", "end"),
    [
        ("Databases " * 30, " Databases Databases…"),
        ("x" * 300, "xxxxxxxxxx…"),
        ("講座" * 100, "座…"),
    ],
)
def test_a_long_subject_ends_with_a_whole_word_if_there_is_one(course: str, end: str) -> None:
    subject = composed("run_cancelled", course=course).subject
    assert 100 < len(subject) <= 150
    assert subject.endswith(end)


@given(st.text(max_size=400))
def test_any_title_makes_a_valid_email_with_short_lines(title: str) -> None:
    title = title.encode("utf-8", "ignore").decode()
    email = as_email(composed("moved_up", course=title))
    lines = bytes(email).split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert len(email["Subject"]) <= 150
    names = [line.split(b":")[0] for line in lines[: lines.index(b"")] if not line.startswith((b" ", b"\t"))]
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version",
        b"Content-Type", b"Content-Language",
    ]  # fmt: skip
