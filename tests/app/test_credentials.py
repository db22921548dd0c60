"""A MongoDB that requires a user name and a password, and a MongoDB whose URI isn't set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from app.database import DatabaseUnavailableError, connect
from app.embedded import find_mongod
from app.settings import Settings
from tests.command import lectern
from tests.storm.processes import free_ports, start


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a mongod with the users `ada` and `guest`; guest has no roles."""
    directory = tmp_path_factory.mktemp("guarded")
    (port,) = free_ports(1)
    options = [f"--dbpath={directory}", f"--port={port}", "--bind_ip=127.0.0.1", "--nounixsocket", "--auth"]
    mongod = start([find_mongod(), *options], directory / "mongod.log")
    try:
        _create_users(f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"
    finally:
        mongod.kill()
        mongod.wait()


def _create_users(address: str) -> None:
    """mongod allows a client on its own machine to create the first user."""
    with MongoClient[dict[str, object]](f"mongodb://{address}/") as client:
        client.admin.command("createUser", "ada", pwd="correct horse", roles=["root"])
    with MongoClient[dict[str, object]](f"mongodb://ada:correct%20horse@{address}/") as client:
        client.admin.command("createUser", "guest", pwd="guest", roles=[])


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("recount",)])
def test_a_wrong_password_is_told_as_such(guarded: str, command: tuple[str, ...], driver: str) -> None:
    uri = f"mongodb://ada:hunter2@{guarded}/"
    done = lectern(*command, LECTERN_MONGODB_URI=uri, LECTERN_MONGODB_DRIVER=driver)
    assert done.returncode == 1
    told = "LECTERN_MONGODB_URI: MongoDB refused the user name or the password: Authentication failed.\n"
    assert done.stderr == told


@pytest.mark.parametrize(
    ("user", "reason"),
    [("", "command find requires authentication"), ("guest:guest@", "not authorized on lectern")],
)
def test_a_user_without_rights_is_told_as_such(guarded: str, user: str, reason: str) -> None:
    done = lectern("check", LECTERN_MONGODB_URI=f"mongodb://{user}{guarded}/")
    assert done.returncode == 1
    assert done.stderr == f"LECTERN_MONGODB_URI: MongoDB denied access: {reason}\n"


def test_the_right_password_is_accepted(guarded: str, tmp_path: Path) -> None:
    (tmp_path / "uri").write_text(f"mongodb://ada:correct%20horse@{guarded}/\n")
    done = lectern("check", LECTERN_MONGODB_URI_FILE=str(tmp_path / "uri"))
    assert (done.returncode, done.stderr) == (0, "")


async def test_an_error_of_the_default_mongodb_says_that_its_uri_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LECTERN_MONGODB_URI", raising=False)
    default = Settings.model_fields["mongodb_uri"].default.get_secret_value()
    with pytest.raises(DatabaseUnavailableError) as error:
        async with connect(Settings()):
            raise DatabaseUnavailableError("no answer")
    assert str(error.value) == f"no answer\nLECTERN_MONGODB_URI is not set, so Lectern tries {default}."


async def test_an_error_of_a_configured_mongodb_says_nothing_of_the_default(settings: Settings) -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"^no answer$"):
        async with connect(settings):
            raise DatabaseUnavailableError("no answer")
