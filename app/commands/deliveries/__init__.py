"""The commands `lectern webhooks` and `lectern messages` with their subcommands."""

from app.commands.deliveries.message_commands import messages
from app.commands.deliveries.webhook_commands import webhooks

__all__ = ["messages", "webhooks"]
