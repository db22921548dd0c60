"""Shows the progress of an import: as a bar on a terminal, otherwise as a line every few seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.importing.importer import Tally

_INTERVAL = 5.0  # seconds between two lines of output


@contextmanager
def show_progress(console: Console, name: str, size: int | None) -> Iterator[Callable[[Tally], None]]:
    """Yields a function to call with the tally after each batch. `size`: file size in bytes, if known."""
    if not console.is_terminal:
        yield _line_printer(console, size)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
               TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s"),
               TimeRemainingColumn())  # fmt: skip
    began = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=size, rows=0, rate=0.0)

        def show(tally: Tally) -> None:
            rate = tally.read / (time.monotonic() - began)
            bar.update(task, completed=tally.position or 0, rows=tally.read, rate=rate)

        yield show


def _line_printer(console: Console, size: int | None) -> Callable[[Tally], None]:
    began = last = time.monotonic()

    def show(tally: Tally) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _INTERVAL:
            last = now
            share = f", {tally.position / size:.0%}" if size and tally.position else ""
            rate = tally.read / (now - began)
            console.print(f"{tally.read:,} rows, {rate:,.0f}/s{share}", markup=False, highlight=False)

    return show
