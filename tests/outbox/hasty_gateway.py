"""The command `lectern`, with claims that expire soon and short pauses: for tests that kill a gateway.

The workers of `lectern serve` are forked from this process.
"""

from app.cli import main
from app.delivery import backoff, lane
from app.delivery.webhook_sender import WebhookSender

if __name__ == "__main__":
    WebhookSender.timeout, lane._LEASE = 1.0, 4.0
    lane._EVERY, lane._PROBE_EVERY, backoff.DELAYS = 0.2, 0.2, (0.2,)
    main()
