"""The texts of messages: Lectern's own, and those in the folder that LECTERN_TEMPLATES names.

A text is a file such as `moved_up.en.txt`, whose first line is the subject. Its HTML is `moved_up.en.html`,
and is put into `layout.html`. All files are read and checked at the start, so that a mistake in one can't
turn up when a message is due.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeAlias, get_args

from babel import Locale, UnknownLocaleError

from app.delivery.messages.message_kinds import FIELDS, LINK, SENDER
from app.regular_files import read_regular
from app.settings import Settings, SettingsError
from loaders.outbox import MessageKind

OWN = Path(__file__).parent / "texts"

_FIELD = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"(\w+)\.([A-Za-z0-9-]+)\.(txt|html)")
_SUBJECT = "Subject:"
_LAYOUT = "layout.html"
_LAYOUT_FIELDS = {"content", "language", SENDER, "subject"}
_MOST_BYTES = 100_000  # the maximum size of a file

_Key: TypeAlias = tuple[str, str]  # the kind of a message, and the language


class Text(NamedTuple):
    """The text of a message in one language, with fields in braces. html: None if there is only text."""

    language: str
    subject: str
    plain: str
    html: str | None


class TemplateError(ValueError):
    """A file of the folder can't be used; the message names the file and says why."""


class Templates:
    """The texts of all messages. default: the language of messages to people whose language has no text."""

    def __init__(self, texts: Mapping[_Key, Text], layout: str, default: str) -> None:
        self._texts, self._layout, self._default = texts, layout, default

    @classmethod
    def of(cls, settings: Settings) -> "Templates":
        """Reads and checks the texts. Raises SettingsError if a file or LECTERN_LANGUAGE can't be used."""
        try:
            return cls.read(Path(settings.templates) if settings.templates else None, settings.language)
        except TemplateError as error:
            raise SettingsError(f"LECTERN_TEMPLATES: {error}") from None

    @classmethod
    def read(cls, folder: Path | None, default: str) -> "Templates":
        """Reads Lectern's own texts, and those of a folder, which replace or add to them.

        Raises TemplateError for a file that can't be used, and SettingsError if the default language lacks a
        text.
        """
        texts, layout = _texts_in(OWN), _read(OWN / _LAYOUT)
        if folder is not None:
            texts |= _texts_in(folder)
            layout = _read(folder / _LAYOUT) if (folder / _LAYOUT).exists() else layout
            _require_fields(folder / _LAYOUT, layout, _LAYOUT_FIELDS, ["content"])
        if missing := [kind for kind in FIELDS if (kind, default) not in texts]:
            raise SettingsError(f"LECTERN_LANGUAGE is {default}, but there is no {missing[0]}.{default}.txt.")
        return cls(texts, layout, default)

    def text(self, kind: MessageKind, language: str | None) -> Text:
        """Returns the text of a message in a language or, if there is none, in the nearest one that has one.

        language: a BCP 47 tag, or None if it isn't known.
        """
        wanted = (language or self._default).lower()
        chosen = (wanted, wanted.partition("-")[0], self._default)
        return next(text for tag in chosen if (text := self._texts.get((kind, tag))))

    def page(self, text: Text, values: Mapping[str, str]) -> str | None:
        """Returns the HTML of a message, as a page of its own. Returns None if the text has no HTML."""
        if text.html is None:
            return None
        escaped = {name: escape(value) for name, value in values.items()}
        subject = escape(filled(text.subject, values))
        content = filled(text.html, escaped)
        return filled(
            self._layout, {**escaped, "language": text.language, "subject": subject, "content": content}
        )


def filled(text: str, values: Mapping[str, str]) -> str:
    """Returns a text with the value of each field in place of its name in braces."""
    return _FIELD.sub(lambda match: values[match[1]], text)


def _texts_in(folder: Path) -> dict[_Key, Text]:
    """Reads the texts of a folder. Raises TemplateError."""
    texts: dict[_Key, Text] = {}
    for kind, language in _keys_in(folder):
        subject, plain = _subject_and_rest(folder / f"{kind}.{language}.txt", kind)
        page = folder / f"{kind}.{language}.html"
        texts[kind, language.lower()] = Text(
            language, subject, plain, _checked(page, kind) if page.exists() else None
        )
    return texts


def _keys_in(folder: Path) -> Iterator[tuple[MessageKind, str]]:
    """Yields the kinds and languages of the files in a folder. Other kinds of files are ignored."""
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise TemplateError(f"{folder} can't be read: {error.strerror}.") from None
    for file in files:
        if file.suffix not in {".txt", ".html"} or file.name == _LAYOUT:
            continue
        match = _NAME.fullmatch(file.name)
        kind = next((kind for kind in get_args(MessageKind) if match and kind == match[1]), None)
        if match is None or kind is None or not _is_language(match[2]):
            raise TemplateError(
                f"{file} is not named after a message and a language, such as moved_up.de.txt."
            )
        if match[3] == "txt":
            yield kind, match[2]
        elif not file.with_suffix(".txt").exists():
            raise TemplateError(f"{file} needs a text beside it: {file.with_suffix('.txt').name}.")


def _is_language(tag: str) -> bool:
    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _subject_and_rest(file: Path, kind: MessageKind) -> tuple[str, str]:
    first, _, rest = _checked(file, kind).partition("\n")
    subject = first.removeprefix(_SUBJECT).strip()
    if not first.startswith(_SUBJECT) or not subject or not rest.strip():
        raise TemplateError(f"{file} must begin with a line `Subject: …`, followed by the text.")
    return subject, rest.strip() + "\n"


def _checked(file: Path, kind: MessageKind) -> str:
    """Reads a file. Raises TemplateError if it has fields that are not its message's, or lacks the link."""
    text, fields = _read(file), FIELDS[kind]
    _require_fields(file, text, {*fields, SENDER}, [LINK] if LINK in fields else [])
    if "{" in (rest := _FIELD.sub("", text)) or "}" in rest:
        raise TemplateError(f"{file} has a brace that belongs to no field.")
    return text


def _require_fields(file: Path, text: str, known: Collection[str], required: Collection[str]) -> None:
    used = _FIELD.findall(text)
    if unknown := [name for name in used if name not in known]:
        listed = ", ".join(f"{{{name}}}" for name in sorted(known))
        raise TemplateError(f"{file} has the field {{{unknown[0]}}}, but only these are known: {listed}.")
    if missing := [name for name in required if name not in used]:
        raise TemplateError(f"{file} must have the field {{{missing[0]}}}.")


def _read(file: Path) -> str:
    try:
        data = read_regular(file, _MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise TemplateError(f"{file} has more than {_MOST_BYTES:,} bytes.")
        return data.decode().replace("\r\n", "\n").removeprefix("\ufeff")
    except OSError as error:
        raise TemplateError(f"{file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise TemplateError(f"{file} is not UTF-8.") from None
