"""Settings: connections and shutdown (docs/operating.md)."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.settings.setting_types import Networks


class ConnectionSettings(BaseSettings):
    forwarded_allow_ips: Networks = Field(
        ("127.0.0.1", "::1"),
        description="Proxies whose `X-Forwarded-*` headers are trusted: addresses and networks, separated by "
        "commas; `*` for any peer.",
    )
    max_connections: int = Field(
        5000,
        gt=0,
        description="The maximum number of connections per worker, if it can open that many files.",
    )
    max_head_bytes: int = Field(
        16_384, ge=1024, description="The maximum size of a request's head without its URL, in bytes."
    )
    max_headers: int = Field(100, gt=0, description="The maximum number of header fields in a request.")
    max_url_bytes: int = Field(8192, gt=0, description="The maximum length of a URL, in bytes.")
    max_unread_bytes: int = Field(
        50_000_000,
        ge=1_000_000,
        description="The maximum size of the unread responses that a worker holds for its clients, in bytes; "
        "above that, the slowest clients are disconnected.",
    )
    head_timeout: float = Field(
        10.0, gt=0, description="Seconds within which a client must send the head of a request."
    )
    body_timeout: float = Field(
        30.0,
        gt=0,
        description="Seconds after the head within which a client must send the body; "
        "`LECTERN_REQUEST_TIMEOUT` also applies.",
    )
    stall_timeout: float = Field(
        10.0, gt=0, description="Seconds after which a client that doesn't read its response is disconnected."
    )
    keep_alive_timeout: float = Field(
        65.0, gt=0, description="Seconds that an idle connection is kept open between requests."
    )
    drain_delay: float = Field(
        7.0,
        ge=0,
        le=600,
        description="Seconds after the stop signal during which connections are still accepted.",
    )
    drain_seconds: float = Field(
        20.0,
        ge=0,
        le=600,
        description="Seconds after `LECTERN_DRAIN_DELAY` in which running requests can finish.",
    )
