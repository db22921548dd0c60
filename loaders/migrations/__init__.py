"""Migrations, which bring documents that an earlier version wrote to the form that this version writes."""

from loaders.migrations.lease import Holder, LeaseHeldError, LeaseLostError
from loaders.migrations.migration import Migration, Step
from loaders.migrations.ordered import MIGRATIONS
from loaders.migrations.records import Record, Status, baseline, pending, statuses
from loaders.migrations.runner import MigrationError, Progress, Report, migrate, migrate_unattended

__all__ = [
    "MIGRATIONS",
    "Holder",
    "LeaseHeldError",
    "LeaseLostError",
    "Migration",
    "MigrationError",
    "Progress",
    "Record",
    "Report",
    "Status",
    "Step",
    "baseline",
    "migrate",
    "migrate_unattended",
    "pending",
    "statuses",
]
