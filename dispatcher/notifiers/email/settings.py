"""The section `notifiers.email` of the settings."""

import re
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from dispatcher.notifiers.email.addresses import parse_sender
from dispatcher.notifiers.unknown import UnknownPolicy
from dispatcher.tls import TlsSettings
from dispatcher.words.errors import Failure
from dispatcher.words.rates import Pace, Rate
from dispatcher.words.sections import Section, Wait

_HOSTNAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*|\[[0-9A-Za-z:.]{1,60}\]")


def _address(text: str) -> str:
    try:
        parse_sender(text, "sender")
    except Failure as failure:
        raise ValueError(failure.text) from failure
    return text


def _host(text: str) -> str:
    if not text or not text.isprintable() or any(char.isspace() or char in "/@<>" for char in text):
        raise ValueError(f"{text!r} is no name of a server; give a name or an address, without port")
    return text


def _own_name(text: str) -> str:
    if not _HOSTNAME.fullmatch(text):
        raise ValueError(f"{text!r} is no host name; EHLO takes mail.example.org or [192.0.2.1]")
    return text


class EmailTimeouts(Section):
    """How long each step of the conversation may take. RFC 5321 4.5.3.2 allows more; a queue waits behind it."""

    connect: Wait = Field(timedelta(seconds=10), description="To connect, TLS and the greeting included.")
    command: Wait = Field(timedelta(seconds=30), description="For the answer to EHLO, AUTH, MAIL, RCPT and DATA.")
    data: Wait = Field(timedelta(seconds=60), description="For 64 kB of the mail to be taken.")
    final_reply: Wait = Field(
        timedelta(minutes=2), description="For the answer after the final dot: giving up here leaves it unknown."
    )
    quit: Wait = Field(timedelta(seconds=2), description="For the answer to QUIT.")


class EmailPace(Section):
    """How much is sent, for servers that say how much they take. A mail to several domains waits for all of them."""

    server: Pace = Field(None, description="Mails to the server, all together.")
    domain: Pace = Field(None, description="Mails to recipients of one domain, for each that is not named below.")
    domains: dict[str, Pace] = Field(default_factory=dict, description="Mails to recipients of these domains.")

    def of(self, domain: str) -> Rate | None:
        """Give the rate for a domain."""
        return self.domains.get(domain, self.domain)


class EmailServer(Section):
    """Where the server is."""

    host: Annotated[str, AfterValidator(_host)] = Field("localhost", description="Name or address of the SMTP server.")
    port: int = Field(1025, ge=1, le=65535, description="587 for starttls, 465 for implicit TLS, as a rule.")
    tls: Literal["none", "starttls", "implicit"] = Field(
        "none", description="What is asked for is what happens: a server without STARTTLS gets no mail in clear."
    )

    @property
    def server(self) -> str:
        """Host and port, as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class EmailSettings(TlsSettings, EmailServer):
    """Where mails are handed over, and as whom; with certificates where that is TLS."""

    username: str | None = Field(None, min_length=1, description="User to log in as.")
    password: SecretStr | None = Field(None, description="The password of that user.")
    sender: Annotated[str, AfterValidator(_address)] = Field(
        "Dispatcher <noreply@example.org>", description="The author where a notification names none."
    )
    hostname: Annotated[str, AfterValidator(_own_name)] | None = Field(
        None, description="Our name in EHLO; without it the machine's if that is a whole one, or its address."
    )
    connections: int = Field(50, ge=1, le=1000, description="Connections open at the same time, at most.")
    mails_per_connection: int = Field(100, ge=1, description="After so many mails a connection is replaced.")
    idle: Wait = Field(timedelta(seconds=30), description="How long an unused connection is kept.")
    max_recipients: int = Field(100, ge=1, description="Recipients of one transaction; more make another one.")
    max_size: int = Field(25_000_000, ge=1, description="The largest mail, in bytes, whatever the server takes.")
    unknown: UnknownPolicy = "resend"
    pace: EmailPace = EmailPace()
    timeouts: EmailTimeouts = EmailTimeouts()

    @property
    def off(self) -> str | None:
        """Why nothing can be sent: nothing hinders it, a server needs no login."""
        return None

    @model_validator(mode="after")
    def _login_is_whole_and_hidden(self) -> Self:
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            raise ValueError(f"a login needs both username and password; {missing} is missing")
        if self.username is not None and self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(
                f"a login at {self.host} without TLS would show the password to the network; "
                "set tls to starttls or implicit"
            )
        return self

    @model_validator(mode="after")
    def _certificates_are_used(self) -> Self:
        if self.tls == "none":
            self.refuse_files("while tls is none; set tls to starttls or implicit")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in {"localhost", "localhost.localdomain"}
