"""Messages to people: who gets them, what they say, and how they are carried."""

from app.delivery.messages.dev_mail_page import dev_mail_routes
from app.delivery.messages.message_sender import MessageSender, sent_example
from app.delivery.messages.templates import Templates

__all__ = ["MessageSender", "Templates", "dev_mail_routes", "sent_example"]
