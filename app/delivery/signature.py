"""Signs requests to receivers, as Standard Webhooks specifies (https://www.standardwebhooks.com)."""

import hmac
from base64 import b64encode
from collections.abc import Sequence


def signed_headers(id: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Returns the headers with which a receiver checks that a request comes from this gateway, and when.

    id: the same for each attempt to deliver the body. timestamp: the time of the attempt, in seconds since
    the epoch. keys: a signature is made with each, so that a receiver can change its key.
    """
    content = b".".join((id.encode(), str(timestamp).encode(), body))
    signatures = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
