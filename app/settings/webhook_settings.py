"""Settings: events for other systems (docs/webhooks.md)."""

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from app.settings.setting_types import Webhooks, WebhookSecrets
from app.settings.webhooks import require_keys


class WebhookSettings(BaseSettings):
    webhooks: Webhooks = Field(
        (),
        description="The URLs to which events are posted: `crm=https://crm.example/hook`, separated by "
        "commas; `#course.published+review.written` at the end of a URL for these kinds of events only.",
    )
    webhook_secrets: WebhookSecrets = Field(
        {},
        validate_default=True,
        repr=False,
        description="The secrets that sign what is posted to each webhook: `crm=whsec_…`, separated by "
        "commas; two for the same name while a receiver changes its secret.",
    )
    delivery_tries: int = Field(
        12,
        ge=1,
        le=100,
        description="The number of failed attempts after which a delivery is parked; 12 take about 30 hours.",
    )
    outbox_days: int = Field(
        7, ge=1, le=365, description="Days after which MongoDB deletes entries of the log of deliveries."
    )

    @field_validator("webhook_secrets")
    @classmethod
    def _of_each_webhook(
        cls, value: dict[str, tuple[bytes, ...]], info: ValidationInfo
    ) -> dict[str, tuple[bytes, ...]]:
        if "webhooks" in info.data:  # otherwise it is invalid; Pydantic reports that separately
            require_keys(value, info.data["webhooks"])
        return value
