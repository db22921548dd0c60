"""The command `find`: as a bare command, and as look-ups that can be merged."""

from loaders.mongo.finds.find_commands import find, find_one
from loaders.mongo.finds.lookups import Lookup, by_keys, by_keys_async, shares

__all__ = ["Lookup", "by_keys", "by_keys_async", "find", "find_one", "shares"]
