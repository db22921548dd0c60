"""Builds the image of a gateway and lists its contents: `make image`.

Needs docker, podman or buildah. Writes the image to dist/lectern-image.tar and its software bill of
materials (SBOM, CycloneDX) to dist/lectern-image.cdx.json, and prints a summary. Other options are passed to
the builder.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = Path("lectern-image.tar")

#: How each builder writes an image to a file.
_SAVE = {
    "docker": ["save", "--output={file}", "{tag}"],
    "podman": ["save", "--quiet", "--format=oci-archive", "--output={file}", "{tag}"],
    "buildah": ["push", "--quiet", "{tag}", "oci-archive:{file}:latest"],
}


def main() -> None:
    arguments, options = _parser().parse_known_args()
    builder = arguments.builder or next(filter(shutil.which, _SAVE), None)
    if not builder:
        sys.exit(f"To build an image, install one of {', '.join(_SAVE)}.")
    directory: Path = arguments.directory
    directory.mkdir(exist_ok=True)
    image = directory / IMAGE
    image.unlink(missing_ok=True)  # podman and buildah would add the image to the file
    _build(builder, arguments, options)
    _run(builder, *(part.format(file=image, tag=arguments.tag) for part in _SAVE[builder]))
    print(f"{image}: {image.stat().st_size / 1e6:.0f} MB")
    print(_summary(_bill_of_materials(image)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make image", description=__doc__, allow_abbrev=False)
    parser.add_argument("--builder", choices=_SAVE, help="default: the first that is installed")
    parser.add_argument("--tag", default="lectern:latest")
    parser.add_argument("--base", help="an image with Python; default: see the Containerfile")
    parser.add_argument("--extras", default="", help="optional dependencies, such as `otlp`")
    parser.add_argument("--source", default="", help="the URL of the source code, for the image's label")
    parser.add_argument("--directory", type=Path, default=ROOT / "dist", help="where to write the files")
    return parser


def _build(builder: str, arguments: argparse.Namespace, options: Sequence[str]) -> None:
    values = {
        "BASE": arguments.base,
        "EXTRAS": arguments.extras,
        "SOURCE": arguments.source,
        "VERSION": tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"],
        "REVISION": _run("git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty").strip(),
    }
    # The OCI format has no health checks.
    docker_format = [] if builder == "docker" else ["--format=docker"]
    command = [builder, "build", *docker_format, f"--file={ROOT / 'deploy/image/Containerfile'}"]
    command += [f"--build-arg={name}={value}" for name, value in values.items() if value]
    command += [f"--tag={arguments.tag}", *options, str(ROOT)]
    subprocess.run(command, stdout=sys.stderr, check=True)  # standard output is for the summary


def _bill_of_materials(image: Path) -> Path:
    bill = image.with_suffix(".cdx.json")
    syft = shutil.which("syft", path=str(Path(sys.executable).parent)) or shutil.which("syft")
    if not syft:
        sys.exit("The image is built. For its SBOM, install the group `deploy`: make setup-deploy")
    _run(syft, "scan", str(image), "--quiet", f"--output=cyclonedx-json={bill}")
    return bill


def _summary(bill: Path) -> str:
    components = json.loads(bill.read_text("utf-8"))["components"]
    kinds = Counter(one["purl"].partition("/")[0].removeprefix("pkg:") for one in components if "purl" in one)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{bill}: {kinds.total()} packages ({counts})"


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed with exit status {error.returncode}.")
