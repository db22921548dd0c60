"""Students who are the same person: claims of imported students, and merging two students."""

from loaders.people.claims import by_address, claim, claim_imported, shared_addresses
from loaders.people.erasure import (
    NOBODYS,
    PLACES,
    delete_account,
    due_erasure_step,
    erase_student,
    erasure_step,
    finish_erasures,
    unfinished_erasures,
)
from loaders.people.linking import LinkError, link_instructor, link_student, why_gone
from loaders.people.merging import begin_merge, finish_merges, merge_step, unfinished_merges
from loaders.people.personal_export import person_rows

__all__ = [
    "NOBODYS",
    "PLACES",
    "LinkError",
    "begin_merge",
    "by_address",
    "claim",
    "claim_imported",
    "delete_account",
    "due_erasure_step",
    "erase_student",
    "erasure_step",
    "finish_erasures",
    "finish_merges",
    "link_instructor",
    "link_student",
    "merge_step",
    "person_rows",
    "shared_addresses",
    "unfinished_erasures",
    "unfinished_merges",
    "why_gone",
]
