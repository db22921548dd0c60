"""Sample data for the first start: a fictitious course platform with values for every field of the schema.

All of it is invented, except for five titles with durations, modes, average ratings and numbers of ratings
from a real institute's price list; they are marked in data/catalogue/back-end.toml. E-mail addresses are
under example.org, nothing refers to a host on the internet (URLs are
under the reserved domain .example), and every document has `externalId.source:
"sample"`.

The hand-written parts are in data/: the catalogue, the sentences of reviews, the names. The modules combine
them. The result is the same on every run and every machine, `_id`s included, because each part has its own
random generator, seeded with the name of the part. The dates of upcoming runs, and `seatsUntil` of courses,
are relative to the day of the first start. All other dates are fixed.
"""

from app.sample.identity import SOURCE
from app.sample.loading import load_sample

__all__ = [
    "SOURCE",
    "load_sample",
]
