"""Resolvers for the fields of PlatformStats.

There is only one platform, so each resolver returns the same value for every parent.
"""

from collections.abc import Sequence

import loaders.platform
from loaders.model import Document
from resolvers.context import Context


async def students_enrolled(platforms: Sequence[Document], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.students_enrolled(ctx.loaders.database)] * len(platforms)


async def total_courses(platforms: Sequence[Document], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.total_courses(ctx.loaders.database)] * len(platforms)


async def students(platforms: Sequence[Document], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.students(ctx.loaders.database)] * len(platforms)


async def countries(platforms: Sequence[Document], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.countries(ctx.loaders.database)] * len(platforms)


async def reviews(platforms: Sequence[Document], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.reviews(ctx.loaders.database)] * len(platforms)


async def average_rating(platforms: Sequence[Document], ctx: Context) -> Sequence[float | None]:
    return [await loaders.platform.average_rating(ctx.loaders.database)] * len(platforms)
