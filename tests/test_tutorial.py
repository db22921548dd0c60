"""docs/tutorial.md: its commands, run in order in an empty directory by one shell."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.app.test_graphiql import CHROMIUM, OFFLINE
from tests.support import missing

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text()

PORTS = (8000, 8001, 8002, 8080, 9401, 9402)  # of the page
DONE, FAILED = "the block is done", "a command has failed"


def blocks() -> dict[str, list[str]]:
    """The commands of each section, by its number."""
    sections = re.split(r"^## (?=\d+\.)", PAGE, flags=re.MULTILINE)[1:]
    return {
        section.partition(".")[0]: re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        for section in sections
    }


class Shell:
    """A bash in which the commands of the tutorial are run, one block after the other."""

    def __init__(self, process: "subprocess.Popen[str]", file: Path) -> None:
        self._process, self._file = process, file
        assert process.stdin is not None
        # What runs in the background keeps the pipe open after the shell has ended.
        process.stdin.write(f"trap \"printf '\\\\n%s\\\\n' '{FAILED}'\" EXIT\n")

    def run(self, section: str) -> str:
        """Runs the commands of a section. Returns what they printed."""
        return "".join(map(self._run, blocks()[section]))

    def _run(self, block: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._file.write_text(block)
        self._process.stdin.write(f"source {self._file} < /dev/null\nprintf '\\n%s\\n' '{DONE}'\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            if line == f"{DONE}\n":
                return printed.removesuffix("\n")
            if line == f"{FAILED}\n":
                break
            printed += line
        raise AssertionError(f"a command failed:\n{block}\n{printed}")


@contextmanager
def shell() -> Iterator[Shell]:
    """A shell in an empty directory, with a clone in ~/lectern. It ends at the first command that fails."""
    # Not in pytest's directory: nginx's workers run as another user, and must be able to read the page.
    with tempfile.TemporaryDirectory(prefix="tutorial-") as home:
        directory = Path(home, "academy")
        directory.mkdir()
        Path(home).chmod(0o755)
        Path(home, "lectern").symlink_to(REPOSITORY)
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LECTERN", "LOG_", "DRAIN"))
        }
        with subprocess.Popen(
            ["bash", "-e", "-o", "pipefail"],
            cwd=directory,
            env=clean | {"HOME": home, "PATH": f"{os.defpath}:/usr/sbin:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield Shell(process, Path(home, "block"))
            finally:
                subprocess.run(["pkill", "-TERM", "-f", f"nginx -p {directory}"])  # it has left the session
                subprocess.run(["pkill", "-KILL", "-s", str(process.pid)])


async def page_shows(url: str, search: str, courses: list[str]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        page = await browser.new_page()
        await page.goto(url)
        await page.get_by_label("Search").fill(search)
        await expect(page.locator("li")).to_have_count(len(courses))
        for course in courses:
            await expect(page.get_by_text(course)).to_be_visible()
        await browser.close()


async def test_the_tutorial_works_from_an_empty_directory() -> None:
    for tool in ("nginx", "curl", "bash"):
        if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin"):
            missing(f"{tool} is not installed")
    if not CHROMIUM:
        missing("no Chromium on the PATH (Debian: apt-get install chromium)")
    for port in PORTS:
        with socket.create_server(("127.0.0.1", port)):
            pass  # nothing else uses it
    with shell() as commands:
        assert re.search(r"^lectern \d+\.\d+\.\d+$", commands.run("1"), re.MULTILINE)
        commands.run("2")
        told = commands.run("3")
        assert re.findall(r"^  created +(\d+)$", told, re.MULTILINE) == ["3", "3"], told
        told = commands.run("4")
        assert '"totalCount":3' in told
        assert "SQL for Analysts" in told
        assert "€1,250.00" in told
        assert "Course.category" in told
        commands.run("5")
        assert commands.run("6").endswith(
            '{"data":{"courses":{"nodes":[{"title":"Project Management Basics"}]}}}'
        )
        await page_shows(
            "http://127.0.0.1:8080/",
            "",
            ["Project Management Basics", "SQL for Analysts", "Python from Scratch"],
        )
        await page_shows("http://127.0.0.1:8080/", "python", ["Python from Scratch"])
        told = commands.run("7")
        assert "CoursePage" in told
        assert re.search(r"of academy-web took [\d.]+ ms", told)
        assert re.fullmatch(r"\s*200 200\n", commands.run("8"))
        told = commands.run("9")
        assert re.search(r"exit status [1-9]", told)
        commands.run("10")
        commands.run("11")


@pytest.mark.parametrize("section", blocks())
def test_every_section_has_commands(section: str) -> None:
    assert blocks()[section]
