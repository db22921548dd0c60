"""Fixtures for the tests of loaders."""

from tests.loaders.mongod import own_mongod

__all__ = ["own_mongod"]
