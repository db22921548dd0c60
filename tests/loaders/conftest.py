"""What tests of loaders may ask for."""

from tests.loaders.mongod import own_mongod

__all__ = ["own_mongod"]
