"""The mutations about reviews, and their payloads."""

import strawberry

import resolvers.review
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.types import Course, Review
from resolvers.schema.writes.payloads import EVENTS, Payload
from resolvers.writing import write


@strawberry.type
class ReviewPayload(Payload):
    review: Review | None = fields.plain("The updated review; null if the mutation was refused.")
    course: Course | None = fields.plain(
        "The reviewed course, with its updated rating; null if the mutation was refused."
    )


@strawberry.type(description="Result of `createReview`.")
class CreateReviewPayload(ReviewPayload):
    review: Review | None = fields.plain("The new review; null if the mutation was refused.")


@strawberry.type(description="Result of `updateReview`.")
class UpdateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="Result of `deleteReview`.")
class DeleteReviewPayload(Payload):
    review: Review | None = fields.plain(
        "The review, as it was before it was deleted; null if the mutation was refused."
    )
    course: Course | None = fields.plain(
        "The reviewed course, with its updated rating; null if the mutation was refused."
    )


@strawberry.type(description="Result of `markReviewHelpful`.")
class MarkReviewHelpfulPayload(Payload):
    review: Review | None = fields.plain(
        "The review, with its updated `helpfulCount`; null if the mutation was refused."
    )


@strawberry.type(description="Result of `replyToReview`.")
class ReplyToReviewPayload(Payload):
    review: Review | None = fields.plain("The review, with the new reply; null if the mutation was refused.")


@strawberry.type(description="Result of `moderateReview`.")
class ModerateReviewPayload(ReviewPayload):
    pass


@strawberry.type(description="Result of `flagReview`.")
class FlagReviewPayload(Payload):
    review: Review | None = fields.plain("The flagged review; null if the mutation was refused.")


@strawberry.type
class ReviewWrites:
    create_review: CreateReviewPayload = write(
        resolvers.review.create_review,
        write_inputs.CreateReviewInput,
        commands=12,
        rare_commands=EVENTS + 1,  # the command looks for a published review of the author
        description="Creates the viewer's review of a course. A student can have only one review per course.",
    )
    update_review: UpdateReviewPayload = write(
        resolvers.review.update_review,
        write_inputs.UpdateReviewInput,
        commands=11,
        rare_commands=EVENTS,
        description="Changes one of the viewer's own reviews.",
    )
    delete_review: DeleteReviewPayload = write(
        resolvers.review.delete_review,
        write_inputs.DeleteReviewInput,
        follow_up=resolvers.review.delete_votes,
        commands=11,
        description="Deletes a review together with its rating and its votes.",
    )
    mark_review_helpful: MarkReviewHelpfulPayload = write(
        resolvers.review.mark_review_helpful,
        write_inputs.MarkReviewHelpfulInput,
        commands=10,
        description="Marks a review as helpful, or withdraws the mark. Authors can't mark their own reviews.",
    )
    reply_to_review: ReplyToReviewPayload = write(
        resolvers.review.reply_to_review,
        write_inputs.ReplyToReviewInput,
        commands=8,
        description="Replies to a review. A new reply replaces an earlier one.",
    )
    moderate_review: ModerateReviewPayload = write(
        resolvers.review.moderate_review,
        write_inputs.ModerateReviewInput,
        commands=11,
        rare_commands=EVENTS,
        description="Sets the moderation status of a review, and closes its flags.",
    )
    flag_review: FlagReviewPayload = write(
        resolvers.review.flag_review,
        write_inputs.FlagReviewInput,
        commands=12,
        description="Asks the moderators to look at a review. Each viewer can flag a review once; flagging it"
        " again has no effect.",
    )
