"""The indexes of the database: how they compare with the declared ones, how they are built, and their use."""

from loaders.indexes.building import Applied, Building, OnBuilding, apply, ensure
from loaders.indexes.comparison import (
    Comparison,
    IndexState,
    State,
    compare,
    missing,
    written_keys,
    written_lifetime,
)
from loaders.indexes.progress import BuildProgress, build_progress
from loaders.indexes.statistics import IndexUse, Statistics, statistics_of

__all__ = [
    "Applied",
    "BuildProgress",
    "Building",
    "Comparison",
    "IndexState",
    "IndexUse",
    "OnBuilding",
    "State",
    "Statistics",
    "apply",
    "build_progress",
    "compare",
    "ensure",
    "missing",
    "statistics_of",
    "written_keys",
    "written_lifetime",
]
