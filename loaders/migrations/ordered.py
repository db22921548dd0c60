"""All migrations, in the order in which they are run."""

from collections.abc import Sequence

from loaders.migrations import m0001_text_keys
from loaders.migrations.migration import Migration

MIGRATIONS: Sequence[Migration] = (m0001_text_keys.MIGRATION,)
