"""Installs clairvoyance for the tests: `.venv/bin/python tests/attacks/install.py`.

The packages are exactly those of requirements.txt. Nothing happens if they are installed.
"""

import subprocess
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
REQUIREMENTS = HERE / "requirements.txt"
_DONE = ENVIRONMENT / "requirements.txt"  # what was installed


def is_installed() -> bool:
    return _DONE.exists() and _DONE.read_text() == REQUIREMENTS.read_text()


def main() -> None:
    if is_installed():
        return
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    python = ENVIRONMENT / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([python, "-m", "pip", "install", *options, "-r", REQUIREMENTS], check=True)
    _DONE.write_text(REQUIREMENTS.read_text())


if __name__ == "__main__":
    main()
