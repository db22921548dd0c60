"""Executes GraphQL operations, from an operation's text to its response.

`Executor` is the only entry point. An operation is parsed, validated and compiled once, and then cached
(see cache, document). Its plan names the functions to call and the fields to select (compiler.planner,
compiler.plan), and groups equal calls into levels (compiler.levels). Functions generated from the plan turn
documents into result objects (compiler.codegen). The plan runs one level at a time (runner.run). If a
generated function fails for a value, that value is completed field by field (runner.completion,
runner.failures). An operation that can't be planned runs on graphql-core (reference_engine).
"""

from app.execution.cache import Cache
from app.execution.document import Document
from app.execution.encoding import encoded
from app.execution.executor import Executor, NotAQueryError, Prepared, too_large
from app.execution.operation import Answer, JsonObject, Operation, Refusal, text_hash
from app.execution.pace import giving_way
from app.execution.plan_report import plan_text
from app.execution.pricing import Cost

__all__ = [
    "Answer",
    "Cache",
    "Cost",
    "Document",
    "Executor",
    "JsonObject",
    "NotAQueryError",
    "Operation",
    "Prepared",
    "Refusal",
    "encoded",
    "giving_way",
    "plan_text",
    "text_hash",
    "too_large",
]
