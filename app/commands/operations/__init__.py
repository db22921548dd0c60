"""The command `lectern operations` with its subcommands."""

from app.commands.operations.operation_commands import operations

__all__ = ["operations"]
