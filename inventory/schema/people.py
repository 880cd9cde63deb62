"""Whom to tell, and how."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from inventory.schema.base import SLUG, Email, HttpUrl, Model, Port, Slug, Text, VaultName, pattern, refusal


class Contact(Model):
    """A person or a desk that answers for something."""

    name: Slug = Field(description=SLUG)
    name_zh: Text = Field(description="the Chinese name of the person or the desk")
    role_zh: Text = Field(description="what they do here, as 信息科负责人")
    phone: Annotated[str, pattern(r"\+?[0-9][0-9 -]{2,18}", "is not a telephone number")] | None = Field(
        default=None, description="digits with spaces or hyphens, in quotes"
    )
    email: Email | None = Field(default=None, description="an e-mail address")


class MailServer(Model):
    """The server that takes the facility's e-mail."""

    host: Annotated[str, pattern(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", "is not a host")] = Field(
        description="a name or an IPv4 address"
    )
    port: Port = Field(description="a TCP port, usually 465 with tls and 587 with starttls")
    security: Literal["tls", "starttls", "none"] = Field(description="tls, starttls or none")
    sender: Email = Field(description="the address that the e-mail comes from")
    user: Text | None = Field(default=None, description="the user name at the server")
    secret: VaultName | None = Field(default=None, description="the vault variable that holds the user's password")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.user) != bool(self.secret):
            raise refusal("user and secret go together", "both, or neither")
        if self.user and self.security == "none":
            raise refusal("a password would go over the line unencrypted", "security: tls or starttls")
        return self


class NotificationRoute(Model):
    """Which severities go where: by e-mail to contacts, to a webhook, or to a service that apprise knows."""

    name: Slug = Field(description=SLUG)
    channel: Literal["email", "webhook", "apprise"] = Field(description="email, webhook or apprise")
    severities: tuple[Literal["warn", "crit"], ...] = Field(min_length=1, description="a list of warn and crit")
    contacts: tuple[Slug, ...] = Field(default=(), description="a list of names of contacts with an e-mail address")
    url: HttpUrl | None = Field(
        default=None, description="the webhook's address, http:// or https://, without its secret"
    )
    secret: VaultName | None = Field(
        default=None, description="the vault variable with the webhook's key, or with apprise's URL of the service"
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.channel == "email" and not self.contacts:
            raise refusal("an e-mail route without contacts", "contacts: [NAME, …]")
        if self.channel == "webhook" and not self.url:
            raise refusal("a webhook route without url", "url: https://…")
        if self.channel == "apprise" and not self.secret:
            raise refusal("an apprise route without secret", "secret: vault_NAME, which holds apprise's URL")
        return self
