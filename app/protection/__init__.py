"""Protection against excessive operations: one module for each limit, and admission control."""

from app.protection.admission import CHEAP, Admission
from app.protection.aliases import check_aliases
from app.protection.depth import check_depth
from app.protection.directives import check_directives
from app.protection.fragments import check_fragments, have_cycle
from app.protection.overlap import check_overlap
from app.protection.query_tokens import parsed
from app.protection.root_fields import check_root_fields
from app.protection.selections import all_selections
from app.protection.too_large import TooLargeError, over
from app.protection.variable_values import check_literals, check_variables

__all__ = [
    "CHEAP",
    "Admission",
    "TooLargeError",
    "all_selections",
    "check_aliases",
    "check_depth",
    "check_directives",
    "check_fragments",
    "check_literals",
    "check_overlap",
    "check_root_fields",
    "check_variables",
    "have_cycle",
    "over",
    "parsed",
]
