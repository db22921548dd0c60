"""Scalars: how Python's values are written."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import orjson
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition


def written(moment: datetime) -> str:
    """A moment as RFC 3339 has it. One without a zone is in UTC, as MongoDB stores them: to give each its
    zone takes longer than to read it.
    """
    return moment.isoformat() if moment.tzinfo else moment.isoformat() + "+00:00"


def encoded(payload: object) -> bytes:
    """A response as JSON. A moment without a zone that is still one is written as `written` does, and
    sooner.

    Raises TypeError for what JSON can't hold.
    """
    try:
        return orjson.dumps(payload, option=orjson.OPT_NAIVE_UTC)
    except orjson.JSONEncodeError as error:
        if "Recursion limit" not in str(error):
            raise
    # It goes 254 levels deep; an operation that may still be parsed goes a little deeper.
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=written).encode()


SCALARS: Mapping[object, ScalarDefinition] = {datetime: replace(DateTimeDefinition, serialize=written)}
