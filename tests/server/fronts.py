"""nginx in front of two gateways, as in deploy/nginx/, and HAProxy in its default configuration."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from tests.storm.processes import free_ports, start
from tests.support import missing

#: The example for operators. Its upstreams are `gateway-1:8000` and `gateway-2:8000`, and it listens on 8080.
NGINX = Path(__file__).parents[2] / "deploy" / "nginx" / "lectern.conf"

_NGINX = """
daemon off;
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

_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port}
  default_backend gateways
backend gateways
  option httpchk GET /readyz
  {servers}
"""


@contextmanager
def nginx(directory: Path, gateways: Sequence[int]) -> Iterator[int]:
    """Runs the proxy and yields its port. gateways: their ports."""
    (port,) = free_ports(1)
    example = NGINX.read_text(encoding="utf-8")
    addresses = {"listen 8080": f"listen 127.0.0.1:{port}"}
    addresses |= {f"gateway-{number}:8000": f"127.0.0.1:{own}" for number, own in enumerate(gateways, 1)}
    for old, new in addresses.items():
        assert old in example
        example = example.replace(old, new)
    (directory / "lectern.conf").write_text(example)
    config = directory / "nginx.conf"
    config.write_text(_NGINX.format(directory=directory))
    with _running("nginx", ["-p", str(directory), "-c", str(config)], directory):
        yield port


@contextmanager
def haproxy(directory: Path, gateways: Sequence[int]) -> Iterator[int]:
    """Runs the proxy and yields its port. gateways: their ports."""
    (port,) = free_ports(1)
    servers = "\n  ".join(f"server {gateway} 127.0.0.1:{gateway} check" for gateway in gateways)
    config = directory / "haproxy.cfg"
    config.write_text(_HAPROXY.format(port=port, servers=servers))
    with _running("haproxy", ["-f", str(config)], directory):
        yield port


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
