"""The container image: it is built, started with a read-only root and asked a query."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import httpx

from app.settings import Settings
from loaders.mongo.database import Database
from tests import factories
from tests.deploy.images import ROOT, Image, built, require_tools
from tests.factories import store
from tests.server.processes import Process, until
from tests.storm.gateways import environment
from tests.storm.processes import free_ports
from tests.support import missing

CONTAINERFILE = ROOT / "deploy" / "image" / "Containerfile"

#: /tmp is writable, and nothing else.
_ONLY_TMP = ("--tmpfs", "/tmp", "--tmpfs", "/dev/shm", "--remount-ro", "/dev/shm")  # noqa: S108 # in a container


def test_hadolint_finds_nothing() -> None:
    command = which("hadolint", path=str(Path(sys.executable).parent))
    if not command:
        missing("hadolint is not installed: make setup-deploy")
    done = subprocess.run([command, str(CONTAINERFILE)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


async def test_the_image_serves_with_a_read_only_root(
    settings: Settings, database: Database, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """One test, because building the image takes longer than all that it is asked."""
    require_tools()
    await store(database, courses=[factories.course(title="Cheese")])
    with built(tmp_path) as image:
        record_property("measured", image.summary)
        _check_config(image)
        _check_files(image)
        _check_bill_of_materials(image)
        _check_cost(image, tmp_path / "operations")
        with _serving(image, settings, tmp_path / "log") as (process, port):
            _check_answers(port)
            assert image.run("python", "/opt/lectern/healthcheck.py", str(port)).returncode == 0
            _check_stops(process)
            done = image.run("python", "/opt/lectern/healthcheck.py", str(port))
            assert (done.returncode, done.stderr[:27]) == (1, "The gateway doesn't answer:")
        with _serving(image, settings, tmp_path / "log-2", user="12345:0", mounts=_ONLY_TMP) as (_, port):
            _check_answers(port)


def _check_config(image: Image) -> None:
    config = image.config
    assert config["Entrypoint"] + config["Cmd"] == ["lectern", "serve", "--host", "0.0.0.0", "--port", "8000"]
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "/opt/lectern/healthcheck.py", "8000"]
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert labels["version"] in image.run("lectern", "--version").stdout
    assert image.run("id", "-u").stdout == "10001\n"
    assert "Read-only file system" in image.run("touch", "/opt/lectern/file").stderr


def _check_files(image: Image) -> None:
    """GraphiQL is in the image; compilers, pip and the tests are not."""
    (packages,) = (image.root / "opt" / "lectern" / "lib").glob("python3*/site-packages")
    assert (packages / "app" / "static" / "index.html").is_file()
    assert not {"pip", "pytest", "tests", "hatchling"} & {path.name for path in packages.iterdir()}
    assert image.run("which", "gcc", "make", "node", "git", "curl").stdout == ""
    assert not (image.root / "build").exists()
    assert image.archive.stat().st_size < 200_000_000


def _check_bill_of_materials(image: Image) -> None:
    bill = json.loads(image.archive.with_suffix(".cdx.json").read_text("utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    locked = (ROOT / "requirements.lock").read_text("utf-8").lower().split()
    pinned = {one["name"].lower() + "==" + one["version"] for one in bill["components"] if "version" in one}
    assert {line for line in locked if line.startswith(("gunicorn=", "starlette=", "pymongo="))} <= pinned
    assert any(one.get("purl", "").startswith("pkg:deb/debian/libc6@") for one in bill["components"])
    assert re.search(r"\d+ packages \(\d+ deb, \d+ pypi\)", image.summary)


def _check_cost(image: Image, folder: Path) -> None:
    """The recipe for CI in docs/cost.md, without docker."""
    folder.mkdir()
    (folder / "cards.graphql").write_text("query Cards { courses(first: 5) { nodes { title } } }")
    mounted = ("--ro-bind", str(folder), "/mnt")
    for most, status in (("1000", 0), ("10", 1)):
        command = image.command(
            "lectern",
            "cost",
            "/mnt",
            "--max",
            most,
            environment={"LECTERN_ENV": "development"},
            mounts=mounted,
        )
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, "Cards" in done.stdout) == (status, True), done


@contextmanager
def _serving(
    image: Image, settings: Settings, log: Path, *, user: str | None = None, mounts: Sequence[str] = ()
) -> Iterator[tuple[Process, int]]:
    """Runs the image's own command, on a free port."""
    (port,) = free_ports(1)
    command = [*image.config["Entrypoint"], *image.config["Cmd"][:-1], str(port)]
    # The image is for production, where GraphiQL is served only if a setting asks for it.
    variables = environment(settings) | {"LECTERN_DRAIN_DELAY": "0", "LECTERN_GRAPHIQL": "true"}
    process = Process(image.command(*command, environment=variables, user=user, mounts=mounts), log)
    try:
        assert re.search(rf"http://0.0.0.0:{port}/graphql", _output(process)), process.output
        yield process, port
    finally:
        process.kill()


def _output(process: Process) -> str:
    """The output, once the gateway can answer or has ended."""
    until(lambda: "Lectern is serving" in process.output or process.process.poll() is not None)
    return process.output


def _check_answers(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/readyz").status_code == 200
        assert "<html" in client.get("/", headers={"Accept": "text/html"}).text
        answer = client.post("/graphql", json={"query": "{ courses { nodes { title } } }"}).json()
    assert answer == {"data": {"courses": {"nodes": [{"title": "Cheese"}]}}}


def _check_stops(process: Process) -> None:
    """SIGTERM to the first process of the container drains the gateway."""
    (first,) = process.workers
    os.kill(first, signal.SIGTERM)
    assert process.status() == 0
    assert "draining" in process.output
