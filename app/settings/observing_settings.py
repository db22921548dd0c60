"""Settings: the log and the traces (docs/logs.md and docs/tracing.md)."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ObservingSettings(BaseSettings):
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="The form of the log: `console` for people, `json` for machines; `auto` means `console` "
        "on a terminal, otherwise `json`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged; the line of each request is `info`."
    )
    log_personal_data: bool = Field(
        False,
        description="Log personal data: clients' addresses, viewers' ids, the variables of slow queries, and "
        "the messages of exceptions.",
    )
    slow_operation: float = Field(
        1.0, gt=0, description="Seconds after which an operation is slow, so that its plan is logged."
    )
    trace_sampling: float = Field(
        0.01,
        ge=0,
        le=1,
        description="The share of requests whose trace is exported if OTEL_EXPORTER_OTLP_ENDPOINT is set.",
    )
