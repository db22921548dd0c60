"""The texts of messages: Lectern's own, and a folder that replaces or adds to them."""

import re
from pathlib import Path
from typing import get_args

import pytest

from app.delivery.messages.message_kinds import FIELDS
from app.delivery.messages.templates import OWN, TemplateError, Templates
from app.settings import SettingsError
from loaders.outbox import MessageKind
from tests.command import lectern
from tests.messages.examples import composed

KINDS: tuple[MessageKind, ...] = get_args(MessageKind)


def test_each_message_has_its_fields_and_a_text_in_two_languages() -> None:
    assert set(FIELDS) == set(KINDS)
    expected = {
        f"{kind}.{language}.{form}" for kind in KINDS for language in ("en", "de") for form in ("txt", "html")
    }
    assert {file.name for file in OWN.iterdir()} == expected | {"layout.html"}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_message_shows_all_its_fields_as_text_and_as_html(kind: MessageKind, language: str) -> None:
    message = composed(kind, language=language)
    assert message.html is not None
    assert message.language == language
    for name, value in message.values.items():
        assert value in message.subject + message.plain, name
        assert value.replace("&", "&amp;") in message.html, name
    # CSS has braces too, but none that look like a field.
    assert not re.search(r"\{\w+\}|[{}]", message.subject + message.plain)
    assert not re.search(r"\{\w+\}", message.html)


# -- a folder --------------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    """Writes files whose names have `__` for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


OURS = "Subject: Neu: {at}\n\nHallo von {sender}.\n"


def test_a_text_in_the_folder_replaces_that_of_the_message_with_its_html(tmp_path: Path) -> None:
    templates = Templates.read(write(tmp_path, password_changed__de__txt=OURS), "en")
    text = templates.text("password_changed", "de")
    assert (text.subject, text.plain, text.html) == ("Neu: {at}", "Hallo von {sender}.\n", None)
    assert templates.text("password_changed", "en") == Templates.read(None, "en").text(
        "password_changed", "en"
    )


def test_a_folder_can_add_languages_and_change_the_page_around_all_messages(tmp_path: Path) -> None:
    write(
        tmp_path,
        password_changed__fr__txt="Subject: Nouveau mot de passe\r\n\r\nBonjour, {at}\r\n",
        password_changed__fr__html="<p>Bonjour</p>",
        layout__html="<html lang='{language}'><title>{subject}</title>{content}<hr>",
        **{"README__md": "is no text of a message"},
    )
    templates = Templates.read(tmp_path, "de")
    text = templates.text("password_changed", "fr-CA")
    assert text.plain == "Bonjour, {at}\n"
    assert templates.page(text, {}) == "<html lang='fr'><title>Nouveau mot de passe</title><p>Bonjour</p><hr>"


@pytest.mark.parametrize(
    ("language", "found"), [("de", "de"), ("DE-at", "de"), ("fr", "en"), (None, "en"), ("", "en")]
)
def test_a_message_is_in_the_nearest_language_that_has_a_text(language: str | None, found: str) -> None:
    assert Templates.read(None, "en").text("moved_up", language).language == found


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "password_change.de.txt",
            OURS,
            "is not named after a message and a language, such as moved_up.de.txt.",
        ),
        ("password_changed.txt", OURS, "is not named after a message and a language"),
        ("password_changed.xx.txt", OURS, "is not named after a message and a language"),
        ("password_changed.de.txt", "Hallo", "must begin with a line `Subject: …`, followed by the text."),
        ("password_changed.de.txt", "Subject:\n\nHallo", "must begin with a line `Subject: …`"),
        ("password_changed.de.txt", "Subject: Hallo\n\n", "must begin with a line `Subject: …`"),
        (
            "password_changed.de.txt",
            "Subject: Hallo\n\n{name}",
            "has the field {name}, but only these are known: {at}, {sender}.",
        ),
        ("password_changed.de.txt", "Subject: Hallo\n\n{ at }", "has a brace that belongs to no field."),
        ("reset_password.de.txt", "Subject: Hallo\n\n{until}", "must have the field {link}."),
        ("password_changed.de.html", "<p>{at}", "needs a text beside it: password_changed.de.txt."),
        ("layout.html", "<p>{subject}", "must have the field {content}."),
        ("layout.html", "<p>{content}{link}", "has the field {link}, but only these are known: {content}"),
        ("password_changed.de.txt", "x" * 100_001, "has more than 100,000 bytes."),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError) as error:
        Templates.read(tmp_path, "en")
    assert str(error.value).startswith(f"{tmp_path / name} {told}")


def test_a_file_with_other_bytes_and_a_folder_that_is_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere can't be read: No such file or directory\."):
        Templates.read(tmp_path / "nowhere", "en")
    (tmp_path / "moved_up.de.txt").write_bytes(b"Subject: Gl\xfcck\n\nja")
    with pytest.raises(TemplateError, match=r"moved_up\.de\.txt is not UTF-8\."):
        Templates.read(tmp_path, "en")
    (tmp_path / "moved_up.de.txt").unlink()
    (tmp_path / "moved_up.de.txt").mkdir()
    with pytest.raises(TemplateError, match=r"moved_up\.de\.txt can't be read: it is not a regular file\."):
        Templates.read(tmp_path, "en")


def test_the_default_language_must_have_all_texts(tmp_path: Path) -> None:
    write(tmp_path, verify_email__fr__txt="Subject: A\n\n{link}")
    with pytest.raises(
        SettingsError, match=r"LECTERN_LANGUAGE is fr, but there is no reset_password\.fr\.txt\."
    ):
        Templates.read(tmp_path, "fr")


def test_a_broken_folder_prevents_the_start_with_one_line(tmp_path: Path) -> None:
    write(tmp_path, password_changed__de__txt="Subject: Hallo\n\n{name}")
    started = lectern("serve", "--port", "0", LECTERN_TEMPLATES=str(tmp_path))
    assert started.returncode == 1
    assert started.stderr == (
        f"LECTERN_TEMPLATES: {tmp_path}/password_changed.de.txt has the field {{name}}, but only "
        "these are known: {at}, {sender}.\n"
    )
