"""RatingSummary: its fields, which are stored as keys of the course itself."""

from operator import itemgetter

from loaders.model import PRIOR_MEAN, PRIOR_WEIGHT, CourseDoc, RatingDoc

average = itemgetter("ratingAverage")
bayesian = itemgetter("ratingBayesian")
count = itemgetter("ratingCount")


def summary(course: CourseDoc) -> RatingDoc:
    return course


def histogram(rating: RatingDoc) -> list[dict[str, int]]:
    """Returns five buckets, 5 stars first."""
    return [{"stars": i + 1, "count": rating["ratingStars"][i]} for i in reversed(range(5))]


def without_review_count(rating: RatingDoc) -> int:
    return rating["importedRating"]["count"] if rating["importedRating"] else 0


def prior_mean(_: RatingDoc) -> float:
    return PRIOR_MEAN


def prior_weight(_: RatingDoc) -> int:
    return PRIOR_WEIGHT
