"""Execution: an operation from its text to its answer.

`Executor` is the one entry. An operation is parsed, validated and compiled once and kept (cache); a plan says
what is called and selected (plan, planner), and what of it is one call (levels); functions made from the plan
turn documents into result objects (build); the plan is run a level at a time (run), and what goes wrong is
completed in its place (complete, failures). What has no plan is left to graphql-core (reference).
"""

from app.execution.document import Document
from app.execution.encoding import encoded
from app.execution.executor import Executor, NotAQueryError, Prepared
from app.execution.operation import Answer, Operation, Refusal
from app.execution.pace import giving_way
from app.execution.plan_report import Timings, plan_text

__all__ = [
    "Answer",
    "Document",
    "Executor",
    "NotAQueryError",
    "Operation",
    "Prepared",
    "Refusal",
    "Timings",
    "encoded",
    "giving_way",
    "plan_text",
]
