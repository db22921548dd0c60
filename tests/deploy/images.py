"""Builds the image on a Debian base, and runs it as a container does, with a read-only root."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from tests.support import missing

ROOT = Path(__file__).parents[2]
_BUILD = [sys.executable, str(ROOT / "deploy" / "image" / "build.py")]
_TOOLS = ("buildah", "mmdebstrap", "bwrap")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Image:
    """A built image. root: its files. config: as in `docker inspect`. archive: the image in one file."""

    root: Path
    config: Mapping[str, Any]
    archive: Path
    summary: str

    def command(
        self,
        *command: str,
        environment: Mapping[str, str] = {},
        user: str | None = None,
        mounts: Sequence[str] = (),
    ) -> list[str]:
        """The command line that runs a command as the container's first process.

        The root is read-only and, as in Docker and Kubernetes, /dev/shm is writable. The network is this
        machine's. user: instead of the image's. mounts: further options of bwrap.
        """
        uid, gid = (user or self.config["User"]).split(":")
        variables = dict(pair.partition("=")[::2] for pair in self.config["Env"]) | {**environment}
        settings = [part for name, value in variables.items() for part in ("--setenv", name, value)]
        return [
            "bwrap", "--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev", *mounts,
            "--unshare-user", "--uid", uid, "--gid", gid, "--unshare-pid", "--as-pid-1", "--die-with-parent",
            "--clearenv", *settings, "--", *command,
        ]  # fmt: skip

    def run(self, *command: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*command, user=user), capture_output=True, text=True)


def require_tools() -> None:
    """Skips the test if the image can't be built or run here. In CI, a missing tool is a failure."""
    if lacking := [tool for tool in _TOOLS if not which(tool)]:
        missing(
            f"not installed (Debian: apt-get install buildah mmdebstrap bubblewrap): {', '.join(lacking)}"
        )
    if not which("syft", path=str(Path(sys.executable).parent)):
        missing("syft is not installed: make setup-deploy")
    probe = ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc", "true"]
    if reason := subprocess.run(probe, stderr=subprocess.PIPE, text=True).stderr:
        pytest.skip(f"this system has no namespaces for containers: {reason}")


@contextmanager
def built(directory: Path) -> Iterator[Image]:
    """Builds the image with buildah, in a storage of its own, and mounts it."""
    environment = _storage(directory)
    _build_base(directory / "base", environment)
    options = ["--builder", "buildah", "--base", "localhost/base", "--directory", str(directory), "--quiet"]
    # The build uses the registries of this machine, with its certificates.
    certificates = ["--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"]
    summary = _run([*_BUILD, *options, *certificates], environment)
    inspected = json.loads(_run(["buildah", "inspect", "--type", "image", "lectern"], environment))
    name = _run(["buildah", "from", "lectern"], environment).strip()
    try:
        root = Path(_run(["buildah", "mount", name], environment).strip())
        yield Image(root, inspected["Docker"]["config"], directory / "lectern-image.tar", summary)
    finally:
        _run(["buildah", "rm", name], environment)
        _run(["buildah", "rmi", "--all", "--force"], environment)


def _storage(directory: Path) -> dict[str, str]:
    """An environment for buildah that keeps everything in a directory and needs no container runtime."""
    config = directory / "storage.conf"
    environment = {"CONTAINERS_STORAGE_CONF": str(config), "BUILDAH_ISOLATION": "chroot"}
    for driver in ("overlay", "vfs"):  # overlay copies less, but not every file system supports it
        paths = f'graphroot = "{directory}/storage"\nrunroot = "{directory}/run"'
        config.write_text(f'[storage]\ndriver = "{driver}"\n{paths}\n')
        if not subprocess.run(
            ["buildah", "info"], env=os.environ | environment, capture_output=True
        ).returncode:
            return environment
    raise AssertionError("buildah can't store images here")


def _build_base(directory: Path, environment: Mapping[str, str]) -> None:
    """Builds the image `base` from Debian's packages, because an image registry may be out of reach."""
    directory.mkdir()
    packages = "--include=python3,python3-venv,ca-certificates"
    options = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "locale", "man")]
    options.append("--dpkgopt=force-unsafe-io")  # faster: nobody needs this directory after a crash
    root = directory / "root.tar"
    _run(["mmdebstrap", "--quiet", "--variant=minbase", packages, *options, "bookworm", str(root)], {})
    (directory / "Containerfile").write_text("FROM scratch\nADD root.tar /\n")
    _run(["buildah", "build", "--quiet", "--tag", "base", str(directory)], environment)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Returns the standard output of a command. Fails the test with all output if the command fails."""
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    assert not done.returncode, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
