"""Lists accounts."""

from collections.abc import Sequence

from loaders.model import AccountStatus, Role
from loaders.mongo import Database, Filter
from loaders.reading import Listing, Order
from loaders.text import name_filter


def listing(
    database: Database,
    *,
    search: str | None = None,
    roles: Sequence[Role] | None = None,
    statuses: Sequence[AccountStatus] | None = None,
) -> Listing:
    """Lists accounts by name. search: words of the name, or the whole e-mail address.

    A criterion that is None matches every account.
    """
    parts: dict[str, Filter] = {}
    if search:
        parts["search"] = {"email": search.strip().lower()} if "@" in search else name_filter(search)
    if roles is not None:
        parts["roles"] = {"roles": {"$in": list(roles)}}
    if statuses is not None:
        stored = [
            *statuses,
            *([None] if "ACTIVE" in statuses else []),
        ]  # accounts without a status are active
        parts["statuses"] = {"status": {"$in": stored}}
    return Listing(database["accounts"], parts, Order("sortName", descending=False))
