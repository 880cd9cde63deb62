"""Whom to tell, and how."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inventory.schema.base import SLUG, Email, HttpUrl, Model, Slug, Text, VaultName, pattern, refusal


class Contact(Model):
    """A person or a desk that answers for something."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the Chinese name of the person or the desk")
    role_zh: Text = Field(description="what they do here, as 信息科负责人")
    phone: Annotated[str, pattern(r"\+?[0-9][0-9 -]{2,18}", "is not a telephone number")] | None = Field(
        default=None, description="digits with spaces or hyphens, in quotes"
    )
    email: Email | None = Field(default=None, description="an e-mail address")


class NotificationRoute(Model):
    """Which severities go where: by e-mail to contacts, or to a webhook."""

    name: Slug = Field(description=SLUG)
    channel: Literal["email", "webhook"] = Field(description="email or webhook")
    severities: tuple[Literal["warn", "crit"], ...] = Field(min_length=1, description="a list of warn and crit")
    contacts: tuple[Slug, ...] = Field(default=(), description="a list of names of contacts with an e-mail address")
    url: HttpUrl | None = Field(
        default=None, description="the webhook's address, http:// or https://, without its secret"
    )
    secret: VaultName | None = Field(default=None, description="the vault variable that holds the webhook's key")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.channel == "email" and not self.contacts:
            raise refusal("an e-mail route without contacts", "contacts: [NAME, …]")
        if self.channel == "webhook" and not self.url:
            raise refusal("a webhook route without url", "url: https://…")
        return self
