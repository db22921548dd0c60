"""Maximum lengths of lists that are not paginated.

Writes and imports must keep within these limits. If a stored list is longer, the rest is not shown.
"""

MOST_CODES = 20
MOST_TAGS = 20
MOST_INSTRUCTORS = 20  # maximum number of instructors per course
MOST_PREREQUISITES = 20  # maximum number of prerequisites per course
MOST_DELIVERY_MODES = 2
MOST_ROLES = 3
MOST_CATEGORIES = 250  # maximum number of categories in the catalogue
#: Maximum number of former slugs that a course or an instructor keeps; the oldest are dropped.
MOST_OLD_SLUGS = 20
#: Maximum number of former slugs of a category. None is dropped, because courses may still have it; a write
#: that would add more is refused.
MOST_CATEGORY_SLUGS = 1_000
MOST_CHANGES = 50  # maximum number of changes per audit entry; a write with more changes gets several entries

#: Limits of a course's lists, by stored field name.
MOST_OF_COURSE = {
    "codes": MOST_CODES,
    "tags": MOST_TAGS,
    "instructorIds": MOST_INSTRUCTORS,
    "deliveryModes": MOST_DELIVERY_MODES,
}
