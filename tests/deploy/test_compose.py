"""compose.yaml: its form, and its gateways behind its nginx, run as processes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from app.database import connect
from app.settings import Settings
from loaders import indexes
from tests import factories
from tests.deploy.images import ROOT
from tests.deploy.variables import for_process, unknown
from tests.factories import store
from tests.server import fronts, restarts
from tests.server.processes import LECTERN
from tests.support import SECRET, missing

FOLDER = ROOT / "deploy" / "compose"
GATEWAYS = ("gateway-1", "gateway-2")

Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        missing("PyYAML is not installed: make setup-deploy")
    content: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    return content


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    return dict(compose["services"])


def test_it_follows_the_compose_specification(compose: dict[str, Any], tmp_path: Path) -> None:
    assert _errors(FOLDER / "compose.yaml") == ""
    wrong = tmp_path / "compose.yaml"
    nginx = compose["services"]["nginx"] | {"stop_grace": "30s"}
    wrong.write_text(json.dumps(compose | {"services": {"nginx": nginx}}))
    assert "stop_grace" in _errors(wrong)


def _errors(file: Path) -> str:
    """What the schema of the Compose specification finds wrong with a file."""
    check = Path(sys.executable).with_name("check-jsonschema")
    if not check.exists():
        missing("check-jsonschema is not installed: make setup-deploy")
    done = subprocess.run(
        [check, "--builtin-schema", "vendor.compose-spec", file], capture_output=True, text=True
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_every_container_is_confined_and_has_a_limit_of_memory(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name


def test_every_file_secret_and_volume_is_there(compose: dict[str, Any], services: dict[str, Service]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (FOLDER / source).is_file(), source
            else:
                assert source in compose["volumes"]
        assert set(service.get("secrets", [])) <= compose["secrets"].keys()


def test_every_variable_of_a_gateway_is_a_setting(services: dict[str, Service]) -> None:
    own = [service for service in services.values() if "lectern" in service["image"]]
    assert len(own) == 4
    assert [unknown(service["environment"]) for service in own] == [set()] * 4


def test_no_gateway_is_killed_while_it_drains(services: dict[str, Service]) -> None:
    fields = Settings.model_fields
    needed = fields["drain_delay"].default + fields["drain_seconds"].default + 3
    for name in GATEWAYS:
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= needed


def test_gateways_trust_the_address_of_nginx(services: dict[str, Service]) -> None:
    address = services["nginx"]["networks"]["default"]["ipv4_address"]
    assert {services[name]["environment"]["LECTERN_FORWARDED_ALLOW_IPS"] for name in GATEWAYS} == {address}
    mounted = [volume.split(":") for volume in services["nginx"]["volumes"]]
    assert [(FOLDER / source).resolve() for source, *_ in mounted] == [fronts.NGINX]
    (port,) = services["nginx"]["ports"]
    assert f"listen {port.split(':')[1]};" in fronts.NGINX.read_text("utf-8")
    ports = {f"{name}:{_port(services[name])}" for name in GATEWAYS}
    assert set(re.findall(r"^  server (\S+);", fronts.NGINX.read_text("utf-8"), re.MULTILINE)) == ports


def test_the_secrets_are_made_once_and_protected(tmp_path: Path, compose: dict[str, Any]) -> None:
    folder = copytree(FOLDER, tmp_path / "compose")
    contents = [_made_secrets(folder) for _ in range(2)]
    assert contents[0] == contents[1]
    assert contents[0].keys() == {Path(own["file"]).name for own in compose["secrets"].values()}
    assert contents[0]["mongodb_password"] in contents[0]["mongodb_uri"]
    assert (folder / "secrets").stat().st_mode & 0o077 == 0
    settings = {"lectern_secret": contents[0]["lectern_secret"], "mongodb_uri": contents[0]["mongodb_uri"]}
    assert Settings.model_validate({**settings, "lectern_env": "production"})


def _made_secrets(folder: Path) -> dict[str, str]:
    subprocess.run([folder / "make-secrets"], check=True)
    return {path.name: path.read_text("utf-8") for path in (folder / "secrets").iterdir()}


async def test_its_gateways_are_restarted_behind_its_nginx_and_no_request_fails(
    services: dict[str, Service], settings: Settings, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"mongodb_database": f"{settings.mongodb_database}_compose"})
    environment = _environment(services[GATEWAYS[0]], own, tmp_path)
    for name in ("indexes", "migrate"):
        _run(services[name]["command"], environment)
    async with connect(own) as database:
        assert (await indexes.compare(database)).missing == {}
        await store(database, courses=[factories.course()])
        with restarts.running_with(tmp_path, environment, _options(services)) as gateways:
            tally = (await restarts.rolling(tmp_path, gateways, pause=4, clients=5, fronts=["nginx"]))[
                "nginx"
            ]
        assert tally.bad == 0, tally
        assert tally.good > 100, tally
        await database.client.drop_database(database.name)


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run([LECTERN[0], *command], env=os.environ | environment, check=True)


def _environment(service: Service, settings: Settings, directory: Path) -> dict[str, str]:
    """The environment of a service, for the tests' MongoDB and for several gateways at one address."""
    secrets = directory / "secrets"
    secrets.mkdir()
    (secrets / "mongodb_uri").write_text(settings.mongodb_uri.get_secret_value())
    (secrets / "lectern_secret").write_text(SECRET)
    changed = {
        "LECTERN_ENV": "production",  # set by the image
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_FORWARDED_ALLOW_IPS": "127.0.0.1",
        "LECTERN_ADMIN_PORT": "0",
        "LECTERN_DRAIN_DELAY": str(Settings.model_fields["drain_delay"].default),
    }
    return for_process(service["environment"] | changed, secrets)


def _options(services: dict[str, Service]) -> list[str]:
    """The options of both gateways, without the port."""
    commands = [services[name]["command"] for name in GATEWAYS]
    assert commands[0] == commands[1]
    at = commands[0].index("--port")
    assert commands[0][0] == "serve"
    return [*commands[0][1:at], *commands[0][at + 2 :]]


def _port(service: Service) -> str:
    return str(service["command"][service["command"].index("--port") + 1])
