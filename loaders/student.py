"""Students: the list of all by name."""

from collections.abc import Sequence

from loaders.mongo.commands import Database
from loaders.reading.listing import Filter, Listing, Order
from loaders.text.search import matches


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
