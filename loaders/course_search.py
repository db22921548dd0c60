"""Corrects searches that find nothing."""

from collections.abc import Sequence

from loaders.model import CourseStatus
from loaders.mongo import Database, Document, Expression, Filter, aggregate, all_of
from loaders.text import possible_slips, without_slips, word_filters

_MOST_COUNTED = 100  # courses that are counted for one word; beyond that, words are equally frequent


async def corrected(database: Database, statuses: Sequence[CourseStatus], text: str) -> str | None:
    """Returns a search with near words instead of those that no course has.

    Of the near words, the one that most courses have is taken. Only courses with these statuses count, so no
    words of other courses are revealed. Returns None if no word has to be replaced, or one of them can't be.
    Sends one command, or none if no word could be a slip.
    """
    if not (candidates := possible_slips(text)):
        return None
    shown: Filter = {"status": {"$in": list(statuses)}}
    words = word_filters(text)
    known = [_known(word, all_of(shown, wanted)) for word, wanted in words.items()]
    pipeline = [{"$documents": [slip._asdict() for slip in candidates]}, *_counted(shown), *known]
    size = len(candidates) + len(words)
    rows = await aggregate(database.driver, pipeline, size=size, collection="courses")
    unknown = words.keys() - {row["known"] for row in rows if "known" in row}
    nearest = _most_frequent([row for row in rows if row.get("word") in unknown])
    return without_slips(text, nearest) if unknown and unknown == nearest.keys() else None


def _counted(shown: Filter) -> list[Expression]:
    """Returns the stages that count the courses which have a term, and drop the terms that no course has."""
    lookup = {
        "from": "courses",
        "localField": "term",
        "foreignField": "searchTerms",
        "pipeline": [{"$match": shown}, {"$limit": _MOST_COUNTED}, {"$count": "n"}],
        "as": "courses",
    }
    return [{"$lookup": lookup}, {"$match": {"courses": {"$ne": []}}}]


def _known(word: str, wanted: Filter) -> Expression:
    """Returns the stage that adds a row for a word if a course has it."""
    row = {"_id": 0, "known": {"$literal": word}}
    return {
        "$unionWith": {"coll": "courses", "pipeline": [{"$match": wanted}, {"$limit": 1}, {"$project": row}]}
    }


def _most_frequent(rows: Sequence[Document]) -> dict[str, str]:
    """Maps each word to the most frequent word near it; of equally frequent ones, to the likeliest."""
    best: dict[str, Document] = {}
    for row in rows:
        if row["word"] not in best or _count(row) > _count(best[row["word"]]):
            best[row["word"]] = row
    return {word: row["near"] for word, row in best.items()}


def _count(row: Document) -> int:
    count: int = row["courses"][0]["n"]
    return count
