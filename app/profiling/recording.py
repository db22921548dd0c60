"""Records a worker's stacks with py-spy, which reads them from the memory of the running process."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from app.profiling.flame_graph import running_functions, titled

# Samples show the functions that hold Python's lock, because py-spy takes threads that wait for MongoDB for
# busy ones. The process isn't paused for each sample: pausing it nearly halves the requests it can answer.
_OPTIONS = ("--gil", "--nonblocking", "--function", "--rate", "100")

_PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")  # above 0, only parents may read a process


class ProfileError(Exception):
    """A process can't be profiled; the message says why and what to do."""


def record(pid: int, seconds: int, output: Path) -> Counter[str]:
    """Writes the flame graph of a process to a file. Returns its running functions (see `running_functions`).

    An existing file is replaced once the new one is complete. If the process ends meanwhile, the flame graph
    shows what it did until then. Raises ProfileError, and OSError if the file can't be written.
    """
    with TemporaryDirectory(dir=output.parent, prefix=".lectern-profile-") as directory:
        drawn = Path(directory) / output.name
        command = [_py_spy(), "record", *_OPTIONS, "--pid", str(pid), "--duration", str(seconds)]
        done = subprocess.run([*command, "--output", drawn], capture_output=True, text=True, check=False)  # noqa: S603 # our own options
        if done.returncode:
            raise ProfileError(_reason(pid, done.stderr))
        svg = titled(drawn.read_text("utf-8"), f"Lectern worker {pid}, {seconds} s")
        drawn.write_text(svg, "utf-8")
        drawn.replace(output)
    return running_functions(svg)


def _py_spy() -> str:
    """Finds py-spy beside this Python, or on the PATH."""
    folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    if found := shutil.which("py-spy", path=folders):
        return found
    raise ProfileError("py-spy is not installed: run pip install 'lectern[profile]'.")


def _reason(pid: int, told: str) -> str:
    if "No stack counts found" in told:
        return f"Process {pid} ran no Python code meanwhile. Profile it while it answers requests."
    if any(words in told.lower() for words in ("permission denied", "not permitted")):
        return _not_allowed(pid)
    if "Failed to find python version" in told:
        return f"Process {pid} is not a Python process: use the process id of a worker, or omit --pid."
    if "No such file or directory" in told or "No such process" in told:
        return f"Process {pid} has ended."
    first = next((line for line in told.splitlines() if line.startswith("Error:")), told.strip())
    return f"py-spy can't read process {pid}: {first.removeprefix('Error: ')}"


def _not_allowed(pid: int) -> str:
    scope = _PTRACE_SCOPE.read_text().strip() if _PTRACE_SCOPE.exists() else "0"
    yama = ", or allow it with `sysctl kernel.yama.ptrace_scope=0`" if scope != "0" else ""
    return (
        f"This user may not read the memory of process {pid}. Run the command as root{yama}. A container"
        " needs the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE; in Kubernetes,"
        " securityContext.capabilities.add)."
    )
