"""Budgets: how many points of work each client may ask for, shared by all processes."""

from app.budgets.budgets import Budgets
from app.budgets.charge import BUDGETS, PAID_BEFORE, Charge, RateLimitedError
from app.budgets.clients import Clients, UnknownClientKeyError

__all__ = [
    "BUDGETS",
    "PAID_BEFORE",
    "Budgets",
    "Charge",
    "Clients",
    "RateLimitedError",
    "UnknownClientKeyError",
]
