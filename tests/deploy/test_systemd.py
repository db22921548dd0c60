"""The systemd unit: systemd accepts it, and it gives a gateway the time to drain."""

import subprocess
from pathlib import Path
from shutil import which

from app.settings import Settings
from tests.deploy.images import ROOT
from tests.deploy.variables import unknown
from tests.server.processes import LECTERN
from tests.support import missing

UNIT = ROOT / "deploy" / "systemd" / "lectern.service"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if not which("systemd-analyze"):
        missing("systemd-analyze is not installed (Debian: apt-get install systemd)")
    # It checks that the command exists.
    text = UNIT.read_text("utf-8").replace("/opt/lectern/bin/lectern", LECTERN[0])
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_gateway_is_not_killed_while_it_drains() -> None:
    fields = Settings.model_fields
    needed = fields["drain_delay"].default + fields["drain_seconds"].default + 3
    assert int(_values("TimeoutStopSec")[0]) >= needed


def test_every_variable_is_a_setting() -> None:
    assert unknown(dict(pair.split("=", 1) for pair in _values("Environment"))) == set()


def _values(name: str) -> list[str]:
    lines = UNIT.read_text("utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]
