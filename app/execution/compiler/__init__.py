"""From a valid operation to its plan, and from the plan to Python functions."""

from app.execution.compiler.codegen import list_items
from app.execution.compiler.field_arguments import variables_in
from app.execution.compiler.levels import Arrival, Meeting, levels_of
from app.execution.compiler.plan import (
    Built,
    Called,
    Level,
    Plan,
    Position,
    Route,
    Selection,
    Typename,
    Use,
    Waiting,
)
from app.execution.compiler.planner import DeclinedError, plan_operation
from app.execution.compiler.selected_fields import Fields, Selected

__all__ = [
    "Arrival",
    "Built",
    "Called",
    "DeclinedError",
    "Fields",
    "Level",
    "Meeting",
    "Plan",
    "Position",
    "Route",
    "Selected",
    "Selection",
    "Typename",
    "Use",
    "Waiting",
    "levels_of",
    "list_items",
    "plan_operation",
    "variables_in",
]
