"""Students: the list of all by name."""

from collections.abc import Sequence

from loaders.listing import Filter, Listing, Order
from loaders.mongo import Database
from loaders.search import matches


def listing(
    database: Database, *, search: str | None = None, countries: Sequence[str] | None = None
) -> Listing:
    """The students whose names match a search and who are in one of some countries; None: any."""
    parts: dict[str, Filter] = {}
    if search:
        parts["search"] = matches(search)
    if countries is not None:
        parts["countries"] = {"country": {"$in": list(countries)}}
    return Listing(database["students"], parts, Order("sortName", descending=False))
