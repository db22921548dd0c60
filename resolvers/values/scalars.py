"""Scalars: how Python's values are written and read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition


def written(moment: datetime) -> str:
    """A moment in the API's one form, `2026-06-01T15:00:00Z`: always 20 characters.

    Without fractions of a second every client reads it, and orjson writes it by itself. A moment without a
    zone is in UTC, as MongoDB stores it: to give each its zone takes longer than to read it.
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
            "A moment by RFC 3339. Lectern writes it in UTC and whole seconds, always in one form: "
            "`2026-06-01T15:00:00Z`. It takes any offset."
        ),
    )
}
