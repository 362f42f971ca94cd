"""The section `brokers.rabbitmq`."""

import ssl
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode
from yarl import URL

from dispatcher.brokers.topology import QueueType
from dispatcher.tls import TlsSettings
from dispatcher.words.errors import BrokerRefused, SettingsError
from dispatcher.words.sections import Section, Wait
from dispatcher.words.values import split_list

DEFAULT_PORTS = {"amqp": 5672, "amqps": 5671}


class RabbitAddress(Section):
    """Where RabbitMQ is, and who we are there.

    Attributes:
        url: `amqp://user:password@host:port/virtual-host`, or `amqps://…`. Never shown, for the password in it.
        password: wins over the one in the URL, so that it can come from a file (`password_file`).
        nodes: of a cluster, `host` or `host:port`: any of them is connected to, instead of the host in the URL, which
            then only is what the cluster is called.

    """

    url: SecretStr = SecretStr("amqp://guest:guest@localhost:5672/")
    password: SecretStr | None = None
    nodes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)] = ()

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

    @field_validator("nodes")
    @classmethod
    def _hosts_and_ports(cls, nodes: tuple[str, ...]) -> tuple[str, ...]:
        for node in nodes:
            try:
                parsed = URL(f"amqp://{node}")
                sound = (
                    bool(parsed.host) and parsed.user is None and parsed.raw_path_qs in {"", "/"} and " " not in node
                )
            except ValueError:
                sound = False
            if not sound:
                raise ValueError("is no list of hosts; write it like [mq1.example.org, mq2.example.org:5672]")
        return nodes

    @property
    def parsed(self) -> URL:
        """The URL with the password that counts. Holds a secret: not to be shown."""
        url = URL(self.url.get_secret_value())
        url = url.with_port(url.port or DEFAULT_PORTS[url.scheme])
        return url if self.password is None else url.with_password(self.password.get_secret_value())

    @property
    def is_secure(self) -> bool:
        """Whether TLS is asked for."""
        return self.parsed.scheme == "amqps"

    @property
    def each_node(self) -> tuple[Self, ...]:
        """The same settings for each node alone, with its address as the URL; these where no node is named."""
        return tuple(map(self._at, dict.fromkeys(self.nodes))) or (self,)

    def _at(self, node: str) -> Self:
        here, there = self.parsed, URL(f"amqp://{node}")
        url = here.with_host(there.host or "").with_port(there.explicit_port or here.port)
        return self.model_copy(update={"url": SecretStr(str(url)), "nodes": (node,)})

    @property
    def address(self) -> str:
        """The broker as a person would call it, without secrets: `amqp://localhost:5672/`. The journal knows it so."""
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


class RabbitSettings(TlsSettings, RabbitAddress):
    """How to reach RabbitMQ, and with which certificates where that is `amqps://`.

    Attributes:
        prefetch: unsettled deliveries in hand at once, for each queue: how many are worked on side by side.
        heartbeat: a dead connection is noticed after about four of them.
        connect_timeout: for one try to connect.
        confirm_timeout: for the broker to confirm a copy.
        watch: how often the broker is asked whether it really hands out each queue to us.
        queue_type: of the work queues that we make; `default` leaves it to the virtual host.
        strict: an existing work queue that differs from ours is an error rather than a warning.

    """

    prefetch: Annotated[int, Field(ge=1, le=10_000)] = 100
    heartbeat: Annotated[Wait, Field(le=timedelta(seconds=65_535))] = timedelta(seconds=10)  # 16 bits in AMQP
    connect_timeout: Wait = timedelta(seconds=10)
    confirm_timeout: Wait = timedelta(seconds=30)
    watch: Wait = timedelta(seconds=10)
    queue_type: QueueType = "default"
    strict: bool = False

    @model_validator(mode="after")
    def _certificates_are_used(self) -> Self:
        if not self.is_secure:
            self.refuse_files("with amqp://; write the url with amqps://")
        return self

    def secure(self) -> ssl.SSLContext | None:
        """Make what a connection uses for TLS; nothing where none is asked for.

        Raises:
            BrokerRefused: a certificate cannot be used: nobody said no but our own library, and waiting will not help.

        """
        try:
            return self.context() if self.is_secure else None
        except SettingsError as error:
            raise BrokerRefused(f"brokers.rabbitmq: {error}") from error
