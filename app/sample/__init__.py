"""Sample data for the first start: a fictitious course platform with values for every field of the schema.

The data is invented, except for five courses whose titles, durations, modes, average ratings and numbers
of ratings are from a real institute's price list; a comment in data/catalogue/back-end.toml marks these
courses. E-mail addresses are under example.org. URLs are under the reserved domain .example, so they don't
refer to any host on the internet. Every document has `externalId.source: "sample"`.

The hand-written parts are in data/: the catalogue, the sentences of reviews, and the names. The modules
combine these parts. The dates of upcoming course runs, and `seatsUntil` of courses, are relative to the day
of the first start. Everything else, including the `_id`s, is the same every time and on every machine,
because each part has its own random generator, seeded with the name of the part.
"""

from app.sample.identity import SOURCE
from app.sample.loading import load_sample

__all__ = [
    "SOURCE",
    "load_sample",
]
