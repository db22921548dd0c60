"""Runs the command `lectern`, each time in a new process.

To save the seconds that imports take, each is forked from a server that has only imported the modules. So
this doesn't show how the interpreter starts and exits; tests/app/test_cli.py also runs the script itself.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory

LECTERN = Path(sys.executable).with_name("lectern")
ROOT = Path(__file__).parents[1]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["app.cli", "app.main", "app.commands.explanation"])


def lectern(*arguments: str, **environment: str) -> CompletedProcess[str]:
    """Runs `lectern` in the root of the repository, with no standard input.

    environment: variables besides those of this process. Raises TimeoutExpired after a minute.
    """
    return run(arguments, environment, seconds=60)


def run(
    arguments: Sequence[str], environment: Mapping[str, str], *, seconds: float | None
) -> CompletedProcess[str]:
    """Runs `lectern` like the function above, but with any time limit; None means no limit."""
    command = [str(LECTERN), *arguments]
    with TemporaryDirectory() as directory:
        out, err = Path(directory) / "out", Path(directory) / "err"
        out.touch()
        err.touch()
        process = _forks.Process(target=_main, args=(command, {**os.environ, **environment}, out, err))
        process.start()
        try:
            process.join(seconds)
            if process.exitcode is None:
                raise TimeoutExpired(command, seconds or 0, out.read_bytes(), err.read_bytes())
        finally:
            process.kill()
            process.join()
        return CompletedProcess(command, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


def _main(command: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> None:
    """Does what the script `lectern` does, with its output redirected to files."""
    for path, descriptor in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = [*command]
    from app.cli import main

    main()
