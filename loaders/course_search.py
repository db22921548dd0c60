"""Corrects the spelling of searches that find nothing."""

from collections.abc import Sequence

from loaders.model import CourseStatus
from loaders.mongo import Database, Document, Expression, Filter, aggregate, all_of
from loaders.text import possible_slips, without_slips, word_filters

# Maximum number of courses counted for a word. All words that reach this maximum count as equally frequent.
_MOST_COUNTED = 100


async def corrected(database: Database, statuses: Sequence[CourseStatus], text: str) -> str | None:
    """Returns a search in which each word that no course contains is replaced by a similar word.

    If there are several similar words, the one in the most courses is chosen. Only courses with the given
    statuses are considered, so that the words of other courses aren't revealed. Returns None if courses
    contain every word, or if a word to be replaced has no similar word. Sends at most one command.
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
    """Returns the stages that count each term's courses, and drop the terms that no course contains."""
    lookup = {
        "from": "courses",
        "localField": "term",
        "foreignField": "searchTerms",
        "pipeline": [{"$match": shown}, {"$limit": _MOST_COUNTED}, {"$count": "n"}],
        "as": "courses",
    }
    return [{"$lookup": lookup}, {"$match": {"courses": {"$ne": []}}}]


def _known(word: str, wanted: Filter) -> Expression:
    """Returns the stage that adds a row for a word if any course matches the filter `wanted`."""
    row = {"_id": 0, "known": {"$literal": word}}
    return {
        "$unionWith": {"coll": "courses", "pipeline": [{"$match": wanted}, {"$limit": 1}, {"$project": row}]}
    }


def _most_frequent(rows: Sequence[Document]) -> dict[str, str]:
    """Maps each word to the similar word in the most courses. In a tie, the likeliest is chosen."""
    best: dict[str, Document] = {}
    for row in rows:
        if row["word"] not in best or _count(row) > _count(best[row["word"]]):
            best[row["word"]] = row
    return {word: row["near"] for word, row in best.items()}


def _count(row: Document) -> int:
    count: int = row["courses"][0]["n"]
    return count
