"""The largest sizes of lists that are no pages. They are the limits of what is written and imported; what is
stored beyond them is not shown.
"""

CODES = 20
TAGS = 20
INSTRUCTORS = 20  # of a course
DELIVERY_MODES = 2
ROLES = 3
CATEGORIES = 250  # of the catalogue
CHANGES = 50  # of an entry in the audit log; a write that changes more has several

#: Of a course, by stored names.
OF_COURSE = {
    "codes": CODES,
    "tags": TAGS,
    "instructorIds": INSTRUCTORS,
    "deliveryModes": DELIVERY_MODES,
}
