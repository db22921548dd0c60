"""Compares the stored aggregates with the documents that they summarise, and corrects the aggregates."""

from loaders.recounting.aggregate_recount import recount, recount_these
from loaders.recounting.differences import Difference
from loaders.recounting.review_recount import ids_by_parent

__all__ = ["Difference", "ids_by_parent", "recount", "recount_these"]
