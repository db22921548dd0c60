"""Compiles a valid operation to a plan, and the plan to generated Python functions."""

from app.execution.compiler.codegen import list_items
from app.execution.compiler.field_arguments import variables_in
from app.execution.compiler.levels import levels_of
from app.execution.compiler.plan import (
    Built,
    Called,
    CallSite,
    Level,
    Levels,
    Plan,
    Position,
    ResultObject,
    Route,
    Selection,
    Typename,
    Value,
    Waiting,
)
from app.execution.compiler.planner import DeclinedError, plan_operation
from app.execution.compiler.selected_fields import CoercedValues, Fields, Selected

__all__ = [
    "Built",
    "CallSite",
    "Called",
    "CoercedValues",
    "DeclinedError",
    "Fields",
    "Level",
    "Levels",
    "Plan",
    "Position",
    "ResultObject",
    "Route",
    "Selected",
    "Selection",
    "Typename",
    "Value",
    "Waiting",
    "levels_of",
    "list_items",
    "plan_operation",
    "variables_in",
]
