"""Runs mutations: checks inputs, looks up the objects to change, runs transactions and builds payloads."""

from resolvers.writing.runner import LONGEST_CLIENT_MUTATION_ID, InputValues, Objects, actor, mutation, write
from resolvers.writing.targets import (
    own_course,
    own_enrollment,
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
    "mutation",
    "own_course",
    "own_enrollment",
    "own_run",
    "viewer_instructor_id",
    "viewer_student",
    "viewer_student_id",
    "visible_course",
    "visible_review",
    "write",
]
