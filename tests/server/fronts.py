"""nginx and HAProxy in front of two gateways, with the configurations in deploy/."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from tests.storm.processes import free_ports, start
from tests.support import missing

#: Examples for operators. They listen on port 8080, and their gateways are gateway-1:8000 and gateway-2:8000.
NGINX = Path(__file__).parents[2] / "deploy" / "nginx" / "lectern.conf"
HAPROXY = Path(__file__).parents[2] / "deploy" / "haproxy" / "lectern.cfg"

_NGINX = """
daemon off;
user root;  # only if it is started by root; nobody else may write into the directory
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  include {directory}/lectern.conf;
}}
"""


@contextmanager
def nginx(directory: Path, gateways: Sequence[int], cache: str = "") -> Iterator[int]:
    """Runs the proxy and yields its port.

    gateways: their ports. cache: the directives of a cache: a line for the block `http`, and others for its
    location.
    """
    (port,) = free_ports(1)
    own, _, of_location = cache.partition("\n")
    text = _adapted(NGINX, "listen 8080", port, gateways).replace(
        "location / {", f"location / {{\n{of_location}"
    )
    (directory / "lectern.conf").write_text(f"{own}\n{text}")
    config = directory / "nginx.conf"
    config.write_text(_NGINX.format(directory=directory))
    with _running("nginx", ["-p", str(directory), "-c", str(config)], directory):
        yield port


@contextmanager
def haproxy(directory: Path, gateways: Sequence[int]) -> Iterator[int]:
    """Runs the proxy and yields its port. gateways: their ports."""
    (port,) = free_ports(1)
    config = directory / "haproxy.cfg"
    config.write_text(_adapted(HAPROXY, "bind :8080", port, gateways))
    with _running("haproxy", ["-f", str(config)], directory):
        yield port


def _adapted(example: Path, listens: str, port: int, gateways: Sequence[int]) -> str:
    """An example with addresses of this machine. listens: the directive for its own address."""
    text = example.read_text(encoding="utf-8")
    addresses = {listens: f"{listens.split(maxsplit=1)[0]} 127.0.0.1:{port}"}
    addresses |= {f"gateway-{number}:8000": f"127.0.0.1:{own}" for number, own in enumerate(gateways, 1)}
    for theirs, ours in addresses.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    return text


@contextmanager
def _running(name: str, arguments: Sequence[str], directory: Path) -> Iterator[None]:
    command = which(name) or which(name, path="/usr/sbin")
    if not command or not which("setpriv"):
        missing(f"{name} is not installed (Debian: apt-get install {name})")
    process: subprocess.Popen[bytes] = start([command, *arguments], directory / f"{name}.out")
    try:
        yield
    finally:
        process.terminate()
        process.wait()
