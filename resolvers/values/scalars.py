"""Defines how the values of custom scalars are serialised and parsed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition


def written(moment: datetime) -> str:
    """Formats a time as in `2026-06-01T15:00:00Z`. All times in responses have this format.

    Fractions of a second are left out, so that every client can parse the time. A time without a zone is in
    UTC. Times from MongoDB have no zone, because attaching one would take longer than reading the time. When
    app/execution/encoding.py encodes such times, orjson writes the same format.
    """
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds") + "Z"


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: replace(
        DateTimeDefinition,
        serialize=written,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        description=(
            "A date and time in RFC 3339 format. In responses it is always in UTC, with whole seconds, such"
            " as `2026-06-01T15:00:00Z`. In inputs it can have any UTC offset; if it has no offset, UTC is"
            " assumed."
        ),
    )
}
