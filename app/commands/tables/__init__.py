"""Prints rows of text, for the commands that list something."""

from app.commands.tables.printed_rows import Row, show_rows, show_values

__all__ = ["Row", "show_rows", "show_values"]
