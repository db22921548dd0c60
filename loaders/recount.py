"""The aggregates, recomputed from the documents they come from.

A batch at a time, whatever the size of the database, each in a transaction of its own: a review that arrives
meanwhile is neither lost nor told as a difference.
"""

from collections.abc import AsyncIterator

from loaders import course_recount, duplicates, review_recount
from loaders.differences import Difference
from loaders.mongo import Database, transaction

__all__ = ["Difference", "recount"]

_PROOFS = (course_recount.differences, review_recount.newest_differences, review_recount.vote_differences)


async def recount(database: Database, *, fix: bool) -> AsyncIterator[Difference]:
    """Every difference, as it is found: in `rating`, `studentCount` and `seatsUntil` of courses, in
    `seatsTaken` and `waitlistCount` of runs, in `newestReviewIds` of courses and students, and in
    `helpfulCount` and `helpfulScore` of reviews. With `fix` the true values are written. Also votes for
    reviews that are gone: with `fix` they are deleted.

    And what no value can mend: seats sold twice, people who wait while a seat is free, second reviews and
    enrolments.
    """
    for proof in _PROOFS:
        async for batch in proof(database, fix=fix):
            for difference in batch:
                yield difference
    for difference in await transaction(database, duplicates.differences):
        yield difference
