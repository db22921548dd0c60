"""Profiles running workers: which worker is the busiest, and which functions its time goes to."""

from app.profiling.processes import Worker, busiest, find_workers
from app.profiling.recording import ProfileError, record

__all__ = ["ProfileError", "Worker", "busiest", "find_workers", "record"]
