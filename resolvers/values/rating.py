"""Resolvers for the fields of RatingSummary, which are stored in the course document itself."""

from operator import itemgetter

from loaders.model import PRIOR_MEAN, PRIOR_WEIGHT, CourseDoc, ImportedRating, RatingDoc

average = itemgetter("ratingAverage")
bayesian = itemgetter("ratingBayesian")
count = itemgetter("ratingCount")


def summary(course: CourseDoc) -> RatingDoc:
    return course


def histogram(rating: RatingDoc) -> list[dict[str, int]]:
    """Returns the five buckets of the histogram, starting with 5 stars."""
    return [{"stars": i + 1, "count": rating["ratingStars"][i]} for i in reversed(range(5))]


def without_review_count(rating: RatingDoc) -> int:
    return (rating["importedRating"]["count"] or 0) if rating["importedRating"] else 0


def imported(rating: RatingDoc) -> ImportedRating | None:
    """Returns the average that was imported without reviews, or None if there are no ratings behind it."""
    found = rating["importedRating"]
    return found if found and found["count"] != 0 else None


def prior_mean(_: RatingDoc) -> float:
    return PRIOR_MEAN


def prior_weight(_: RatingDoc) -> int:
    return PRIOR_WEIGHT
