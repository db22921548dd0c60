"""Sample data: an invented course platform, so that every field of the schema shows something on first start.

Nobody in it exists: people, runs, enrolments and reviews are made up, e-mail addresses are under example.org,
nothing refers to a host on the internet, and every document says `externalId.source: "sample"`. The one
exception is marked in data/catalogue/back-end.toml: five titles, durations, modes and average ratings of a
real institute's price list.

What was written by hand is in data/ (the catalogue, the sentences of reviews, the names); the modules
combine it. The same documents come out on every run and every machine, `_id`s included: each part draws from
a generator of its own, seeded with its name. Dates are fixed, except that upcoming runs are counted from the
day of the first start, so that there always are some.
"""

from app.sample.identity import SOURCE
from app.sample.loading import load_sample

__all__ = [
    "SOURCE",
    "load_sample",
]
