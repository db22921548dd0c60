"""Runs mutations: checks inputs, looks up the objects to change, runs transactions and builds payloads."""

from resolvers.writing.runner import (
    LONGEST_CLIENT_MUTATION_ID,
    InputValues,
    Objects,
    actor,
    followed_up,
    mutation,
    write,
)
from resolvers.writing.slugs import slug_refusal
from resolvers.writing.targets import (
    any_category,
    existing_student,
    own_course,
    own_enrollment,
    own_instructor,
    own_run,
    viewer_instructor_id,
    viewer_student,
    viewer_student_id,
    visible_course,
    visible_review,
)

__all__ = [
    "LONGEST_CLIENT_MUTATION_ID",
    "InputValues",
    "Objects",
    "actor",
    "any_category",
    "existing_student",
    "followed_up",
    "mutation",
    "own_course",
    "own_enrollment",
    "own_instructor",
    "own_run",
    "slug_refusal",
    "viewer_instructor_id",
    "viewer_student",
    "viewer_student_id",
    "visible_course",
    "visible_review",
    "write",
]
