"""All migrations, in the order in which they are run."""

from collections.abc import Sequence

from loaders.migrations import (
    m0001_text_keys,
    m0002_account_names,
    m0003_email_case,
    m0004_instructor_slugs,
)
from loaders.migrations.migration import Migration

MIGRATIONS: Sequence[Migration] = (
    m0001_text_keys.MIGRATION,
    m0002_account_names.MIGRATION,
    m0003_email_case.MIGRATION,
    m0004_instructor_slugs.MIGRATION,
)
