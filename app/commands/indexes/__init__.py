"""The command `lectern indexes` with its subcommands."""

from app.commands.indexes.commands import indexes

__all__ = ["indexes"]
