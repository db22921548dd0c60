"""Custom scalars: how their values are serialised and parsed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition


def written(moment: datetime) -> str:
    """Formats a time in the only form that the API uses, `2026-06-01T15:00:00Z`: always 20 characters.

    Every client can parse it without fractions of a second, and orjson writes it by itself. A time without a
    zone is in UTC, as MongoDB stores it: attaching a zone to each time takes longer than reading it.
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
            "A date and time as in RFC 3339. Responses always have it in UTC with whole seconds: "
            "`2026-06-01T15:00:00Z`. Inputs may have any UTC offset; without an offset they are in UTC."
        ),
    )
}
