"""Posts events to a webhook."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import time

import httpx

from app.delivery.sender import Failed, Outcome, Sent
from app.delivery.signature import signed_headers
from app.delivery.webhook_body import body_of
from app.settings import Webhook
from loaders.outbox import EntryDoc

#: The most bytes of a response's body, and seconds for it. It is read only so that its connection can be used
#: again.
_MOST_BYTES, _BODY_SECONDS = 65_536, 1.0
_GONE = 410


class WebhookSender:
    """Posts events to a webhook, signed. See app.delivery.sender.Sender."""

    timeout = 10.0

    def __init__(self, webhook: Webhook, keys: Sequence[bytes]) -> None:
        self._url, self._keys = webhook.url, keys
        # Without timeouts of its own, because the whole delivery has one. Without cookies, because a receiver
        # could set more and more of them.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        self._client = httpx.AsyncClient(
            timeout=None,  # noqa: S113
            headers={"user-agent": "Lectern"},
            cookies=no_cookies,
        )

    async def send(self, entry: EntryDoc) -> Outcome:
        return await self.post(str(entry["_id"]), body_of(entry))

    async def post(self, id: str, body: bytes) -> Outcome:
        """Posts a body. id: the same for each attempt."""
        headers = signed_headers(id, int(time()), body, self._keys)
        headers["content-type"] = "application/json"
        try:
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                await _read(response)
        except httpx.HTTPError as error:
            return Failed(type(error).__name__)
        if response.is_success:
            return Sent()
        return Failed(f"HTTP {response.status_code}", _retry_after(response), response.status_code == _GONE)

    async def close(self) -> None:
        await self._client.aclose()


async def _read(response: httpx.Response) -> None:
    """Reads the beginning of a response. Nothing in it is used, so nothing about it is a failure."""
    size = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > _MOST_BYTES:
                    return


def _retry_after(response: httpx.Response) -> float | None:
    """Returns the seconds of the header Retry-After, which has a number of them or a date."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
