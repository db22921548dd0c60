"""Reading from MongoDB: documents by key, paginated lists, projections and ownership."""

from loaders.reading.batching import ByKey
from loaders.reading.document_fitting import (
    AS_STORED,
    NOWHERE,
    default_of,
    finding,
    fit,
    fit_read,
    fitting,
    stand_ins,
)
from loaders.reading.fitted_transactions import fitted_transaction
from loaders.reading.listing import WHOLE, Key, Listing, Order, Page, Window, counts, of_parents, sort_by
from loaders.reading.ownership import NO_OWNERS, Owners, owners_by_id, owners_of_course
from loaders.reading.projections import Projection, including, projections_of
from loaders.reading.registry import Loaders

__all__ = [
    "AS_STORED",
    "NOWHERE",
    "NO_OWNERS",
    "WHOLE",
    "ByKey",
    "Key",
    "Listing",
    "Loaders",
    "Order",
    "Owners",
    "Page",
    "Projection",
    "Window",
    "counts",
    "default_of",
    "finding",
    "fit",
    "fit_read",
    "fitted_transaction",
    "fitting",
    "including",
    "of_parents",
    "owners_by_id",
    "owners_of_course",
    "projections_of",
    "sort_by",
    "stand_ins",
]
