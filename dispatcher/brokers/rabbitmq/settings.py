"""The section `brokers.rabbitmq`."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from yarl import URL

from dispatcher.brokers.topology import QueueType
from dispatcher.words.sections import Section, Wait

DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}


class TlsSettings(Section):
    """Certificates for `amqps://`.

    Attributes:
        ca_file: whom to trust; without it the system's authorities.
        cert_file: our own certificate, where the broker asks for one.
        key_file: its key.

    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for path in (self.ca_file, self.cert_file, self.key_file):
            if path is not None and not path.is_file():
                raise ValueError(f"there is no file {path}")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        return self

    def context(self) -> ssl.SSLContext:
        """Make what the connections use: TLS 1.2 at least, names checked."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class RabbitSettings(Section):
    """How to reach RabbitMQ.

    Attributes:
        url: `amqp://user:password@host:port/virtual-host`, or `amqps://…`. Never shown, for the password in it.
        password: wins over the one in the URL, so that it can come from a file (`password_file`).
        prefetch: unsettled deliveries in hand at once, for each queue: how many are worked on side by side.
        heartbeat: a dead connection is noticed after about four of them.
        connect_timeout: for one try to connect.
        confirm_timeout: for the broker to confirm a copy.
        queue_type: of the work queues that we make; `default` leaves it to the virtual host.
        strict: an existing work queue that differs from ours is an error rather than a warning.
        tls: certificates, for `amqps://`.

    """

    url: SecretStr = SecretStr("amqp://guest:guest@localhost:5672/")
    password: SecretStr | None = None
    prefetch: Annotated[int, Field(ge=1, le=10_000)] = 64
    heartbeat: Wait = timedelta(seconds=10)
    connect_timeout: Wait = timedelta(seconds=10)
    confirm_timeout: Wait = timedelta(seconds=30)
    queue_type: QueueType = "default"
    strict: bool = False
    tls: TlsSettings = TlsSettings()

    @field_validator("url")
    @classmethod
    def _an_amqp_url(cls, url: SecretStr) -> SecretStr:
        try:
            parsed = URL(url.get_secret_value())
            sound = parsed.scheme in DEFAULT_PORTS and bool(parsed.host)
        except ValueError:
            sound = False
        if not sound:
            raise ValueError("is no AMQP address; write it like amqp://user:password@host:5672/virtual-host")
        return url

    @model_validator(mode="after")
    def _certificates_are_used(self) -> Self:
        if self.tls != TlsSettings() and self.parsed.scheme != "amqps":
            raise ValueError("the certificates in tls have no use with amqp://; write the url with amqps://")
        return self

    @property
    def parsed(self) -> URL:
        """The URL with the password that counts. Holds a secret: not to be shown."""
        url = URL(self.url.get_secret_value())
        url = url.with_port(url.port or DEFAULT_PORTS[url.scheme])
        return url if self.password is None else url.with_password(self.password.get_secret_value())

    @property
    def address(self) -> str:
        """The broker as a person would call it, without secrets: `amqp://localhost:5672/`."""
        url = self.parsed
        return f"{url.scheme}://{url.host}:{url.port}{url.path or '/'}"

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.parsed.user or "guest"

    @property
    def virtual_host(self) -> str:
        """Which virtual host is used: `/` unless the URL's path names one."""
        return self.parsed.path.removeprefix("/").replace("%2F", "/") or "/"
