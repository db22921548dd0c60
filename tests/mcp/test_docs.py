"""The examples in docs/mcp.md, and the numbers that it repeats."""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

from app.auth.session_tokens import ACCESS_LASTS
from app.mcp import read_tools
from app.mcp.message_checks import PRICE
from app.mcp.tool_call import LARGEST
from loaders.mongo import Database
from resolvers.context import Viewer
from tests.mcp.test_over_http import bearer, tools
from tests.persisted.conftest import Start, start

__all__ = ["start", "tools"]

DOCS = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return str(found)


async def test_the_example_of_a_program_runs(tools: Database, start: Start) -> None:
    url, token = start(mcp=True), bearer(Viewer(frozenset(("STUDENT",)), subject="1")).removeprefix("Bearer ")
    program = example("python").replace("https://courses.example", url).replace('"…"', f'"{token}"')
    run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=-1, stderr=-1)
    output, errors = await run.communicate()
    assert (run.returncode, errors) == (0, b"")
    assert output.decode().splitlines()[-1] == '{"data":{"courses":{"nodes":[{"title":"Course of SQL"}]}}}'


def test_the_example_of_a_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "tools.toml"
    path.write_text(example("toml"))
    (entry,) = read_tools(path)
    assert (entry.operation, entry.name, list(entry.variables)) == ("FindCourses", "find_courses", ["words"])


def test_the_numbers_are_right() -> None:
    assert f"costs {PRICE} points" in DOCS
    assert f"more than {LARGEST:,} bytes" in DOCS
    assert "lasts ten minutes" in DOCS
    assert timedelta(minutes=10) == ACCESS_LASTS
