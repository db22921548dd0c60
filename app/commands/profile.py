"""The command `lectern profile`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from app.commands.command_error import CommandError
from app.terminal import say

_SHOWN = 5  # functions in the summary
_NONE = "No gateway is running on this machine, or its processes are hidden: give its process id with --pid."


def profile(
    pid: Annotated[
        int | None,
        typer.Option(
            help="The process id of a worker, or of a gateway; by default, any gateway on this machine.",
            min=1,
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[int, typer.Option(help="How long to profile.", min=1, max=3600)] = 10,
    output: Annotated[Path, typer.Option(help="The file for the flame graph.", dir_okay=False)] = Path(
        "profile.svg"
    ),
) -> None:
    """Profile the busiest worker of a running gateway, and draw a flame graph."""
    try:
        from app import profiling
    except ModuleNotFoundError:
        raise CommandError("psutil is not installed: run pip install 'lectern[profile]'.") from None

    worker = profiling.busiest(profiling.find_workers(pid))
    if worker is None:
        raise CommandError(_NONE if pid is None else f"No process has the id {pid}.")
    busy = f"it used {worker.load:.0f} % of a core in the last half second"
    say(f"Profiling worker {worker.pid} for {seconds} s: {busy}.")
    try:
        samples = profiling.record(worker.pid, seconds, output)
    except profiling.ProfileError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"--output: {output} can't be written: {error.strerror}.") from None
    typer.echo(_summary(samples, output))


def _summary(samples: Counter[str], output: Path) -> str:
    """Returns the path of the flame graph, and the functions in which the worker spent most time."""
    total = samples.total()
    functions = [f"  {n / total:6.1%}  {function}" for function, n in samples.most_common(_SHOWN)]
    return "\n".join([f"{output}  ({total} samples; open it in a browser)", *functions])
