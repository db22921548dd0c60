"""`lectern dev` keeps messages for its page, and names them on the console."""

import re
from pathlib import Path
from typing import IO

import httpx

from app.development import messages
from app.settings import Settings
from tests.app.test_cli import running
from tests.messages.test_message_settings import NEEDED

SIGN_UP = """mutation {
  signUp(input: {name: "Zelda", email: "zelda@example.org", password: "correct horse battery"}) {
    errors { code }
  }
}"""


def line_with(text: str, told: IO[str]) -> str:
    return next(line for line in told if text in line)


def test_a_message_is_shown_on_the_page_and_named_on_the_console(tmp_path: Path) -> None:
    with running("dev", "--empty", "--data-dir", str(tmp_path)) as (process, url):
        assert process.stderr is not None
        assert line_with("Messages", process.stderr) == f"  Messages   {url}/dev/mail\n"
        line_with("Ctrl-C", process.stderr)
        answer = httpx.post(f"{url}/graphql", json={"query": SIGN_UP}).json()
        assert answer["data"]["signUp"]["errors"] == []
        line = line_with("Confirm your e-mail address", process.stderr)
        assert "to=z…@example.org" in line
        match = re.search(rf"link='({url}/#verify=[\w-]+)'", line)
        assert match
        page = httpx.get(f"{url}/dev/mail").text
    assert "zelda@example.org" in page
    assert match[1] in page
    assert "Zelda" not in page + line


def test_what_is_set_is_not_overridden() -> None:
    own = {name.removeprefix("LECTERN_").lower(): value for name, value in NEEDED.items()}
    settings = Settings.model_validate(own)
    assert messages(settings, "http://localhost:8000") == {"dev_mail": "true", **own}
    sending = Settings.model_validate({"smtp_url": "smtp://mail.example", **own})
    assert messages(sending, "http://localhost:8000") == {}
