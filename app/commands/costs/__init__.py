"""The command `lectern cost`: reads a client's operations, and prices them."""

from app.commands.costs.cost_command import cost

__all__ = ["cost"]
