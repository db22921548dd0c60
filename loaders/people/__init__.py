"""Students who are the same person: claims of imported students, and merging two students."""

from loaders.people.claims import by_address, claim, claim_imported, shared_addresses
from loaders.people.linking import LinkError, link_instructor, link_student
from loaders.people.merging import begin_merge, finish_merges, merge_step, unfinished_merges

__all__ = [
    "LinkError",
    "begin_merge",
    "by_address",
    "claim",
    "claim_imported",
    "finish_merges",
    "link_instructor",
    "link_student",
    "merge_step",
    "shared_addresses",
    "unfinished_merges",
]
