"""What fields count as in the price of an operation, if they take more than others (docs/cost.md).

A field of weight n costs as much as n plain values (see resolvers.fields).
"""

FORMATTED = 2  # a formatted amount of money
SIGNED = 4  # a cursor, which takes time to sign
TEXT = 5  # a string with a few hundred characters
LONG_TEXT = 15  # a string with a few thousand characters
DOCUMENT = 25  # a whole document
LIST = 25  # a list; MongoDB reads one page of it for each parent
COUNT = 25  # a count, for which MongoDB scans the whole list
FACETS = 250  # a list's facets, or a scan of a whole collection
RELATED = 250  # a list of related courses; MongoDB reads the enrolments of 50 students for each parent
MESSAGE = 1_000  # a message to somebody, which a receiver may have to pay for, or to put up with
PASSWORD = 20_000  # a password hash; argon2id is slow by design

# Additional commands of a field whose filter has a `search`.
SEARCH_COMMANDS = 2  # the most that a search sends if it finds nothing
SCAN_COMMANDS = 5  # what a search of the texts of reviews counts as: it reads up to 10,000 of them
