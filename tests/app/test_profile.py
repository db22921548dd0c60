"""`lectern profile`, on running gateways."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from threading import Event, Thread

import httpx
import pytest
from defusedxml import ElementTree

from app.profiling import busiest, find_workers
from app.settings import Settings
from tests.server.processes import LECTERN, Process
from tests.support import SECRET, missing

COMMAND = LECTERN[0]
QUERY = {"query": "{ courses(first: 20) { nodes { title reviews(first: 3) { nodes { rating } } } } }"}
DOCS = (Path(__file__).parents[2] / "docs" / "profiling.md").read_text("utf-8")


def profile(
    *arguments: str, prefix: tuple[str, ...] = (), cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [*prefix, COMMAND, "profile", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=cwd, env=os.environ | environment
    )


def require_permission(done: subprocess.CompletedProcess[str]) -> None:
    if "may not read the memory" in done.stderr:
        pytest.skip("processes may not read each other's memory here (ptrace)")


@pytest.fixture(scope="module")
def gateway(sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """`lectern serve` with two workers."""
    environment = {
        "LECTERN_MONGODB_URI": sample.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": sample.mongodb_database,
        "LECTERN_SECRET": SECRET,
    }
    log = tmp_path_factory.mktemp("profile") / "log"
    process = Process([*LECTERN, "0", "--workers", "2"], log, environment)
    try:
        assert process.port
        yield process
    finally:
        process.kill()


@contextmanager
def load(port: int) -> Iterator[list[int]]:
    """Sends queries on one connection, so that one worker gets them all. Yields the statuses."""
    statuses: list[int] = []
    stop = Event()

    def send() -> None:
        with httpx.Client() as client:
            while not stop.is_set():
                statuses.append(client.post(f"http://127.0.0.1:{port}/graphql", json=QUERY).status_code)

    thread = Thread(target=send)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


def test_the_busiest_worker_is_profiled_while_it_serves(gateway: Process, tmp_path: Path) -> None:
    with load(gateway.port) as statuses:
        done = profile("--pid", str(gateway.process.pid), "--seconds", "3", cwd=tmp_path)
    require_permission(done)
    assert done.returncode == 0, done.stderr
    assert set(statuses) == {200}
    assert any(f"Profiling worker {worker} for 3 s" in done.stderr for worker in gateway.workers)
    assert len(done.stdout.splitlines()) == 6
    svg = (tmp_path / "profile.svg").read_text()
    ElementTree.fromstring(svg)
    assert "(app/http/endpoint.py" in svg
    assert SECRET not in svg
    assert sys.prefix not in svg  # no paths of this machine
    assert [file.name for file in tmp_path.iterdir()] == ["profile.svg"]
    shown = DOCS.partition("$ lectern profile\n")[2].partition("```")[0].splitlines()
    assert [form(line) for line in shown[:2]] == [
        form(line) for line in (done.stderr + done.stdout).splitlines()[:2]
    ]
    assert len(shown) == 7


def form(line: str) -> str:
    return re.sub(r"\d+", "N", line)


def test_the_workers_of_gateways_are_found(gateway: Process) -> None:
    workers = set(gateway.workers)
    assert len(workers) == 2
    assert workers <= set(find_workers())
    assert gateway.process.pid not in find_workers()
    assert set(find_workers(gateway.process.pid)) == workers
    one = min(workers)
    assert find_workers(one) == [one]


def test_lectern_dev_is_its_own_worker(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = Process([COMMAND, "dev", "--empty", "--port", "0", "--data-dir", str(tmp_path / "data")], log)
    try:
        assert process.port
        assert process.process.pid in find_workers()
    finally:
        process.signal(signal.SIGINT)
        process.status()


def test_the_busiest_process_is_chosen(gateway: Process) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            chosen = busiest([*gateway.workers, busy.pid])
        finally:
            busy.kill()
    assert chosen is not None
    assert chosen.pid == busy.pid
    assert busiest([busy.pid]) is None  # it has ended


@contextmanager
def python(code: str) -> Iterator[str]:
    """The process id of a Python process that runs some code, then sleeps."""
    script = f"import time; {code}; print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield str(process.pid)
        finally:
            process.kill()


def test_an_idle_process_has_nothing_to_draw(tmp_path: Path) -> None:
    output = tmp_path / "profile.svg"
    with python("pass") as pid:
        done = profile("--pid", pid, "--seconds", "1", "--output", str(output))
    require_permission(done)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Process {pid} ran no Python code meanwhile." in done.stderr
    assert not output.exists()


def test_a_process_that_may_not_be_read_gets_a_line_that_says_what_to_do(tmp_path: Path) -> None:
    """The process is protected (not dumpable), and root gives up the capability to read it all the same."""
    if sys.platform != "linux" or not which("setpriv"):
        missing("setpriv is not installed (util-linux, on Linux)")
    prefix = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace") if os.geteuid() == 0 else ()
    with python("import ctypes; ctypes.CDLL(None).prctl(4, 0)") as pid:
        done = profile("--pid", pid, "--output", str(tmp_path / "profile.svg"), prefix=prefix)
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.splitlines()[-1]
    assert said.startswith(f"This user may not read the memory of process {pid}. Run the command as root")
    assert "SYS_PTRACE" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pid", "99999999"], "No process has the id 99999999."),
        (["--pid", "0"], "--pid"),
        (["--seconds", "0"], "--seconds"),
        (["--output", "."], "is a directory"),
    ],
)
def test_a_wrong_option_gets_a_clear_message(arguments: list[str], said: str) -> None:
    done = profile(*arguments)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_is_not_python_is_refused(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        time.sleep(0.1)  # until it is `sleep`, and no longer a copy of Python
        done = profile("--pid", str(process.pid), "--output", str(tmp_path / "profile.svg"))
        process.kill()
    require_permission(done)
    assert done.returncode == 1
    assert f"Process {process.pid} is not a Python process" in done.stderr


def test_a_file_that_cannot_be_written_is_named_before_profiling(tmp_path: Path) -> None:
    output = tmp_path / "missing" / "profile.svg"
    done = profile("--pid", str(os.getpid()), "--seconds", "600", "--output", str(output))
    assert done.returncode == 1
    assert f"--output: {output} can't be written: No such file or directory." in done.stderr


def test_without_the_extra_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "psutil.py").write_text("raise ModuleNotFoundError('psutil')")
    done = profile(PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == "psutil is not installed: run pip install 'lectern[profile]'.\n"
