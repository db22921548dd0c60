"""The user that compose.yaml creates in MongoDB may do all that a gateway needs."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from app.embedded import find_mongod
from app.settings import Settings
from tests.deploy.images import ROOT
from tests.server.processes import LECTERN
from tests.storm.gateways import environment, serving
from tests.storm.processes import free_ports, start
from tests.support import SECRET

PASSWORD = "a password of the tests"


async def test_a_gateway_serves_and_writes_with_the_roles_of_its_user(tmp_path: Path) -> None:
    with _mongod(tmp_path) as port:
        _initiate(port)
        uri = f"mongodb://lectern:{quote(PASSWORD)}@127.0.0.1:{port}/?replicaSet=lectern&authSource=admin"
        settings = Settings(mongodb_uri=SecretStr(uri), lectern_secret=SecretStr(SECRET))
        for command in (["indexes", "apply"], ["migrate", "up"], ["recount"], ["check"]):
            _run(command, settings)
        with serving(settings, tmp_path / "log") as gateway:
            await gateway.ready()
            url = f"http://127.0.0.1:{gateway.port}"
            assert httpx.get(f"{url}/readyz").status_code == 200
            signed_up = 'signUp(input: {email: "a@example.org", password: "a long one", name: "Ada"})'
            query = f"mutation {{ {signed_up} {{ errors {{ code }} }} }}"
            answer = httpx.post(f"{url}/graphql", json={"query": query}, timeout=60).json()
        assert answer == {"data": {"signUp": {"errors": []}}}


@contextmanager
def _mongod(directory: Path) -> Iterator[int]:
    """Runs a mongod that requires users to log in, and yields its port."""
    (port,) = free_ports(1)
    key = directory / "keyfile"
    key.write_text("k" * 32)
    key.chmod(0o400)
    (directory / "data").mkdir()
    options = {"port": port, "dbpath": directory / "data", "replSet": "lectern", "keyFile": key}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    process = start([find_mongod(), "--nounixsocket", *arguments], directory / "mongod.log")
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _initiate(port: int) -> None:
    """Does what mongodb-init.js does. A local client may create the first user."""
    yaml = pytest.importorskip("yaml")
    script = (ROOT / "deploy" / "compose" / "mongodb-init.js").read_text("utf-8")
    (roles,) = re.findall(r"const roles = (\[.*\]);", script)
    with MongoClient[dict[str, Any]](port=port, directConnection=True) as client:
        members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
        client.admin.command("replSetInitiate", {"_id": "lectern", "members": members})
        while not client.admin.command("hello")["isWritablePrimary"]:
            time.sleep(0.05)
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    with MongoClient[dict[str, Any]](port=port, username="root", password=PASSWORD) as client:
        client.admin.command("createUser", "lectern", pwd=PASSWORD, roles=yaml.safe_load(roles))


def _run(command: list[str], settings: Settings) -> None:
    done = subprocess.run(
        [LECTERN[0], *command], env=environment(settings), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, (command, done.stderr)
