"""The largest sizes of lists that are not paginated.

Writes and imports must keep within these limits; entries stored beyond them are not shown.
"""

MOST_CODES = 20
MOST_TAGS = 20
MOST_INSTRUCTORS = 20  # of a course
MOST_DELIVERY_MODES = 2
MOST_ROLES = 3
MOST_CATEGORIES = 250  # of the catalogue
MOST_CHANGES = 50  # of an entry in the audit log; a write with more changes gets several entries

#: The limits of a course's lists, by stored field name.
MOST_OF_COURSE = {
    "codes": MOST_CODES,
    "tags": MOST_TAGS,
    "instructorIds": MOST_INSTRUCTORS,
    "deliveryModes": MOST_DELIVERY_MODES,
}
