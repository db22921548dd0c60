"""A mongod of the tests' own, whose commands can fail, and a gateway's budgets."""

from tests.loaders.mongod import own_mongod as own_mongod
