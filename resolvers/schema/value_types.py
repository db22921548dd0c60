"""Declarations of the types of a course's values: amounts of money, and the summary of its ratings."""

import strawberry

import resolvers.values
from resolvers import fields
from resolvers.schema import weights


@strawberry.type(description="An amount of money.")
class Money:
    amount_minor: int = fields.plain(
        "The amount in the currency's minor unit. For example, 129900 is ₹1,299.00 in INR, and ¥129,900 in"
        " JPY, which has no minor unit."
    )
    currency: str = fields.plain("The currency, as an ISO 4217 code.")
    formatted: str = fields.computed(
        resolvers.values.formatted,
        weight=weights.FORMATTED,
        description='The amount formatted for display, such as "₹1,299.00".',
    )


@strawberry.type(description="Summary of a course's ratings.")
class RatingSummary:
    average: float | None = fields.computed(
        resolvers.values.average,
        reads=["ratingAverage"],
        description="Mean of the ratings, from 1 to 5; null if there are no ratings.",
    )
    bayesian: float = fields.computed(
        resolvers.values.bayesian,
        reads=["ratingBayesian"],
        description="Bayesian average of the ratings, by which courses are ranked: (C*m + sum of ratings) /"
        " (C + count), where m is `priorMean` and C is `priorWeight`. If there are few ratings, it stays"
        " close to m.",
    )
    count: int = fields.computed(
        resolvers.values.count,
        reads=["ratingCount"],
        description="Number of ratings, with and without reviews.",
    )
    without_review_count: int = fields.computed(
        resolvers.values.without_review_count,
        reads=["importedRating"],
        description="Number of ratings that were imported as an average and a count, without reviews. They"
        " are included in `count`, but not in `histogram`.",
    )
    imported: "ImportedRating | None" = fields.computed(
        resolvers.values.imported,
        reads=["importedRating"],
        description="Average rating that was imported without the reviews behind it; null if there is none.",
    )
    histogram: list["RatingBucket"] = fields.computed(
        resolvers.values.histogram,
        reads=["ratingStars"],
        most=5,
        description="Number of published reviews for each number of stars. There are always five buckets,"
        " from 5 stars down to 1 star.",
    )
    prior_mean: float = fields.computed(
        resolvers.values.prior_mean,
        description="The value of m in the formula for `bayesian`: the rating assumed for a course without"
        " ratings.",
    )
    prior_weight: int = fields.computed(
        resolvers.values.prior_weight,
        description="The value of C in the formula for `bayesian`: the weight of `priorMean`, as a number of"
        " ratings.",
    )


@strawberry.type(description="An average rating that was imported without the reviews behind it.")
class ImportedRating:
    average: float = fields.plain("Mean of the imported ratings, from 1 to 5.")
    count: int | None = fields.plain(
        "Number of ratings behind the average; null if the source does not say. If it is null, the imported"
        " average affects neither the other fields of `RatingSummary` nor the order of courses."
    )


@strawberry.type(description="Number of reviews with a given number of stars.")
class RatingBucket:
    stars: int = fields.plain("Number of stars, from 1 to 5.")
    count: int = fields.plain("Number of published reviews with that many stars.")
