"""Delivers the outbox: events to webhooks, and messages to people."""

from app.delivery.dispatcher import Dispatcher
from app.delivery.messages import Templates, dev_mail_routes, sent_example
from app.delivery.sender import Failed, Outcome, Sender, Sent, Unneeded
from app.delivery.senders import configured_senders, posted_test
from app.delivery.webhook_body import body_of, subject_of

__all__ = [
    "Dispatcher",
    "Failed",
    "Outcome",
    "Sender",
    "Sent",
    "Templates",
    "Unneeded",
    "body_of",
    "configured_senders",
    "dev_mail_routes",
    "posted_test",
    "sent_example",
    "subject_of",
]
