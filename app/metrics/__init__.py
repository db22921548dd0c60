"""Metrics: what is counted, the memory that all processes share for it, and how it is read."""

from app.metrics.admin import admin_app
from app.metrics.export_schedule import export_interval
from app.metrics.families import WORKER_DEATHS
from app.metrics.meter import Meter, ServerCounts, Sources
from app.metrics.metrics import Metrics
from app.metrics.series import Counter
from app.metrics.shared_memory import SharedMemory, Slot, State

__all__ = [
    "WORKER_DEATHS",
    "Counter",
    "Meter",
    "Metrics",
    "ServerCounts",
    "SharedMemory",
    "Slot",
    "Sources",
    "State",
    "admin_app",
    "export_interval",
]
