"""The server process: connections, workers, and graceful shutdown."""

from app.server.admin_process import AdminProcess
from app.server.drain import is_leaving
from app.server.server import CannotStartError, Server, bound_socket, make_server, require_files
from app.server.workers import prepare_signals, run_workers

__all__ = [
    "AdminProcess",
    "CannotStartError",
    "Server",
    "bound_socket",
    "is_leaving",
    "make_server",
    "prepare_signals",
    "require_files",
    "run_workers",
]
