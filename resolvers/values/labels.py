"""Labels of facets' values, for people."""

from collections.abc import Callable, Mapping

from loaders.codes import currency_name, language_name
from loaders.course import FacetCount

_LEVELS = {
    "BEGINNER": "Beginner", "INTERMEDIATE": "Intermediate", "ADVANCED": "Advanced",
    "ALL_LEVELS": "All levels",
}  # fmt: skip
_MODES = {"ONLINE": "Online", "ONSITE": "On site"}

#: The function that labels a facet's values, by the name of the facet. Other values are their own labels.
_LABELS: Mapping[str, Callable[[str], str]] = {
    "levels": _LEVELS.__getitem__,
    "deliveryModes": _MODES.__getitem__,
    "ratings": "{} and up".format,
    "languages": language_name,
    "currencies": currency_name,
}


def label(option: FacetCount) -> str:
    """Returns the label of an option of a facet, except for a category, whose name is stored elsewhere."""
    named = _LABELS.get(option["facet"])
    return named(option["value"]) if named else option["value"]
