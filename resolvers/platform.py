"""PlatformStats: its fields. There is one platform, so each level has one parent."""

from collections.abc import Sequence
from typing import Any

import loaders.platform
from resolvers.context import Context


async def students_enrolled(platforms: Sequence[Any], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.students_enrolled(ctx.loaders.database)] * len(platforms)


async def total_courses(platforms: Sequence[Any], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.total_courses(ctx.loaders.database)] * len(platforms)


async def students(platforms: Sequence[Any], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.students(ctx.loaders.database)] * len(platforms)


async def countries(platforms: Sequence[Any], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.countries(ctx.loaders.database)] * len(platforms)


async def reviews(platforms: Sequence[Any], ctx: Context) -> Sequence[int]:
    return [await loaders.platform.reviews(ctx.loaders.database)] * len(platforms)


async def average_rating(platforms: Sequence[Any], ctx: Context) -> Sequence[float | None]:
    return [await loaders.platform.average_rating(ctx.loaders.database)] * len(platforms)
