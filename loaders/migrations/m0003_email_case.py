"""Migration 3: the e-mail addresses of students in lower case, as those of accounts are.

Earlier versions stored them as the source had them, so that an account could not be matched to its student.
"""

from loaders.migrations.migration import Migration, Step, different, each
from loaders.mongo import Document


def _lowered(student: Document) -> Document:
    email = student["email"]
    return {} if email is None else different(student, {"email": email.strip().lower()})


MIGRATION = Migration(
    3,
    "e-mail addresses of students in lower case",
    (Step("students", frozenset(("email",)), frozenset(), each(_lowered), size=500),),
)
