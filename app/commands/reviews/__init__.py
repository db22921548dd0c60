"""The command `lectern review`."""

from app.commands.reviews.review_commands import review

__all__ = ["review"]
