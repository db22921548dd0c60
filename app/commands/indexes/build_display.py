"""Shows the progress of index builds: a bar on a terminal, otherwise a line every few seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from loaders.indexes import Building, BuildProgress, OnBuilding, build_progress
from loaders.mongo import Database

_LOOKED = 0.5  # seconds between questions about the progress
_INTERVAL = 5.0  # seconds between progress lines, if the output isn't a terminal

#: Called with the progress of a build; None if it isn't known yet.
_Show: TypeAlias = Callable[[Building, BuildProgress | None], None]


@asynccontextmanager
async def build_display(console: Console, database: Database) -> AsyncIterator[OnBuilding]:
    """Yields a function to call when a build begins. Its progress is shown until the next call or the end."""
    begun: list[Building] = []
    with _bar(console) if console.is_terminal else _lines(console) as show:

        def begin(building: Building) -> None:
            begun.append(building)
            show(building, None)

        following = asyncio.create_task(_follow(database, begun, show))
        try:
            yield begin
        finally:
            following.cancel()


async def _follow(database: Database, begun: list[Building], show: _Show) -> None:
    """Asks for the progress of the latest build regularly. Runs until cancelled, or until MongoDB fails."""
    while True:
        await asyncio.sleep(_LOOKED)
        if begun:
            building = begun[-1]
            try:
                progress = await build_progress(database, building.collection)
            except PyMongoError:  # the build itself fails too then, and says why
                return
            if progress and building is begun[-1]:
                show(building, progress)


@contextmanager
def _bar(console: Console) -> Iterator[_Show]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(building: Building, progress: BuildProgress | None) -> None:
            done, total = (progress.done, progress.total or None) if progress else (0, None)
            bar.update(task, description=_described(building, progress), completed=done, total=total)

        yield show


@contextmanager
def _lines(console: Console) -> Iterator[_Show]:
    printed = 0.0

    def show(building: Building, progress: BuildProgress | None) -> None:
        nonlocal printed
        if progress is None or time.monotonic() - printed >= _INTERVAL:
            printed = time.monotonic()
            share = f" ({progress.done:,} of {progress.total:,})" if progress and progress.total else ""
            console.print(
                _described(building, progress) + share, markup=False, highlight=False, soft_wrap=True
            )

    yield show


def _described(building: Building, progress: BuildProgress | None) -> str:
    phase = f": {progress.phase}" if progress and progress.phase else ""
    number = "1 index" if len(building.names) == 1 else f"{len(building.names)} indexes"
    return f"Building {number} of {building.collection}{phase}"
