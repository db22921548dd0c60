"""Fixtures of other folders: gateways with settings, and a mongod whose commands can fail."""

from tests.http.conftest import serve
from tests.loaders.mongod import own_mongod

__all__ = ["own_mongod", "serve"]
