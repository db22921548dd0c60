"""The largest sizes of lists that are no pages. They are the limits of what is written and imported; what is
stored beyond them is not shown.
"""

MOST_CODES = 20
MOST_TAGS = 20
MOST_INSTRUCTORS = 20  # of a course
MOST_DELIVERY_MODES = 2
MOST_ROLES = 3
MOST_CATEGORIES = 250  # of the catalogue
MOST_CHANGES = 50  # of an entry in the audit log; a write that changes more has several

#: Of a course, by stored names.
MOST_OF_COURSE = {
    "codes": MOST_CODES,
    "tags": MOST_TAGS,
    "instructorIds": MOST_INSTRUCTORS,
    "deliveryModes": MOST_DELIVERY_MODES,
}
