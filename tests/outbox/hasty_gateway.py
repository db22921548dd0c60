"""The command `lectern`, with claims that expire soon and short pauses: for tests that kill a gateway.

The workers of `lectern serve` are forked from this process.
"""

from app.cli import main
from app.delivery import backoff, lane
from app.delivery.messages import message_sender
from app.delivery.messages.smtp_transport import SmtpTransport
from app.delivery.webhook_sender import WebhookSender

if __name__ == "__main__":
    WebhookSender.timeout, SmtpTransport.timeout, message_sender._LOOKING_UP = 2.0, 3.0, 1.0
    lane._LEASE = 10.0
    lane._EVERY, lane._PROBE_EVERY, backoff.DELAYS = 0.2, 0.2, (0.2,)
    main()
