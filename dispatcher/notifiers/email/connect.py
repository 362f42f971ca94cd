"""The way in: connect, EHLO, TLS, login. TLS is never opportunistic: what is asked for happens, or nothing does.

The exceptions of aiosmtplib end here; `losses.py` knows its words. Once the server has let us in, we go on alone.
"""

import asyncio
import base64
import contextlib
import re
import socket
import ssl
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import cast

import aiosmtplib

from dispatcher.cancelling import is_ours
from dispatcher.notifiers.email.connection import Connection, Lost, Refused
from dispatcher.notifiers.email.losses import BROKEN_OFF, LOST, describe
from dispatcher.notifiers.email.replies import Phase, Reply
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.notifiers.email.wire import Wire
from dispatcher.words.errors import Failure, Kind, Reason, SettingsError

MECHANISMS = ("plain", "login", "cram-md5")
"""The ways to log in that we know, the usual ones first; TLS hides what they show."""

_NEXT_MECHANISM = frozenset({500, 501, 502, 503, 504, 534})
"""Answers that refuse the mechanism, not the user (RFC 4954 4 and 6)."""

_LOCAL = "localhost"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_WHOLE_NAME = re.compile(rf"({_LABEL}\.)+(?=[A-Za-z]){_LABEL}")  # `ada` is none, nor is 192.0.2.1
_LONGEST_NAME = 253


class Connector:
    """Opens connections, all in the same way. Calling it opens one.

    Raises:
        SettingsError: a certificate cannot be read.

    """

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._context = tls_context(settings)
        self._hostname = settings.hostname or _own_name()

    async def __call__(self) -> Connection:
        """Open a connection that is ready for MAIL.

        Raises:
            Refused: the server answered no.
            Lost: it did not answer, or no SMTP, or TLS failed.
            Failure: it does not offer what was asked for (outage).

        """
        client = self._client()
        try:
            with speaking(Phase.CONNECT):
                await client.connect(timeout=self._settings.timeouts.connect.total_seconds())
                client.local_hostname = self._hostname or _own_address(client)
                await _greet(client)
            if self._settings.tls == "starttls":
                await self._upgrade(client)
            if self._settings.username is not None:
                await self._login(client, self._settings.username)
            extensions = dict(client.esmtp_extensions)
            return Connection(_take_over(client), extensions, self._settings.timeouts)
        except BaseException:
            _abort(client)
            raise

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            local_hostname=self._hostname or _LOCAL,  # without any, the library asks the DNS, for as long as that takes
            timeout=self._settings.timeouts.command.total_seconds(),
            use_tls=self._settings.tls == "implicit",
            start_tls=False,
            tls_context=self._context,
        )

    async def _upgrade(self, client: aiosmtplib.SMTP) -> None:
        """Go on in TLS (RFC 3207), and greet again: what was said in clear does not count."""
        if not client.supports_extension("starttls"):
            text = f"{self._settings.server} does not offer STARTTLS, which the settings ask for"
            raise Failure(Kind.OUTAGE, Reason.SMTP_TLS, text)
        with speaking(Phase.STARTTLS):
            await client.starttls(timeout=self._settings.timeouts.connect.total_seconds())
            await _greet(client)

    async def _login(self, client: aiosmtplib.SMTP, username: str) -> None:
        offered = [mechanism for mechanism in MECHANISMS if mechanism in client.server_auth_methods]
        refused = None
        for mechanism in offered:
            refused = await self._try(client, mechanism, username)
            if refused is None:
                return
            if refused.reply.code not in _NEXT_MECHANISM:
                break
        if refused is not None:
            raise refused
        text = f"{self._settings.server} offers no login that is known here ({', '.join(MECHANISMS)}) to {username!r}"
        raise Failure(Kind.OUTAGE, Reason.SMTP_LOGIN, text)

    async def _try(self, client: aiosmtplib.SMTP, mechanism: str, username: str) -> Refused | None:
        """Try one mechanism; a server that shows us our own password is not quoted with it."""
        password = self._settings.password.get_secret_value() if self._settings.password else ""
        methods = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
        try:
            with speaking(Phase.AUTH):
                await methods[mechanism](username, password)
        except Refused as refused:
            return Refused(Phase.AUTH, Reply(refused.reply.code, hide(refused.reply.text, username, password)))
        except Lost as lost:
            raise Lost(lost.phase, hide(lost.what, username, password)) from None
        return None


@contextlib.contextmanager
def speaking(phase: Phase) -> Iterator[None]:
    """Turn what the library raises while it connects, upgrades or logs in into `Refused` and `Lost`."""
    try:
        with heeding_cancellation():
            yield
    except aiosmtplib.SMTPResponseException as error:
        if error.code < 0:
            raise Lost(phase, describe(error)) from error
        raise Refused(phase, Reply(error.code, str(error.message))) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
        raise Lost(Phase.STARTTLS if tls else phase, describe(error)) from error
    except asyncio.CancelledError as error:
        if is_ours():
            raise
        raise Lost(phase, BROKEN_OFF) from error


@contextlib.contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Raise the cancellation that was swallowed inside.

    `asyncio.wait_for`, which the library uses, forgets one that comes in the same turn as the answer (Python 3.11). It
    is raised late then, at the end of what the library was doing, which its own time-outs bound.
    """
    current = asyncio.current_task()
    before = current.cancelling() if current else 0
    try:
        yield
    finally:
        if current and current.cancelling() > before:
            raise asyncio.CancelledError


def tls_context(settings: EmailSettings) -> ssl.SSLContext | None:
    """Make what all connections share for TLS; nothing where it is not asked for.

    Raises:
        SettingsError: a certificate or key cannot be read.

    """
    try:
        return None if settings.tls == "none" else settings.context()
    except SettingsError as error:
        raise SettingsError(f"notifiers.email: {error}") from error


def hide(text: str, username: str, password: str) -> str:
    """Put stars in place of a password, plain or in one of the forms in which AUTH carries it."""
    plain = base64.b64encode(f"\0{username}\0{password}".encode()).decode("ascii")
    login = base64.b64encode(password.encode()).decode("ascii")
    for secret in (plain, login, password):
        text = text.replace(secret, "***") if secret else text
    return text


def _take_over(client: aiosmtplib.SMTP) -> Wire:
    """Go on without the library, which closes what it still has; what it has read too much, nobody has asked for.

    Raises:
        Lost: the server has let us in and hung up.

    """
    transport, protocol = client.transport, client.protocol
    if transport is None or protocol is None or transport.is_closing():
        raise Lost(Phase.CONNECT, LOST)
    wire = Wire(cast("asyncio.Transport", transport))
    wire.data_received(bytes(protocol._buffer))  # noqa: SLF001 (it would throw it away)
    client.transport = client.protocol = None
    return wire


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Say EHLO, and HELO to a server that does not know it (RFC 5321 3.2)."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in {500, 502}:
            raise
        await client.helo()


def _own_name() -> str | None:
    """Give the machine's name as it knows it, if that is a whole one (RFC 5321 2.3.5); the DNS is not asked."""
    name = socket.gethostname()
    return name if len(name) <= _LONGEST_NAME and _WHOLE_NAME.fullmatch(name) else None


def _own_address(client: aiosmtplib.SMTP) -> str:
    """Give our end of the connection, as EHLO wants it of who has no name (RFC 5321 4.1.3)."""
    end = client.transport.get_extra_info("sockname") if client.transport else None
    try:
        address = ip_address(str(end[0]).partition("%")[0] if end else "")
    except ValueError:
        return _LOCAL
    return f"[IPv6:{address}]" if isinstance(address, IPv6Address) else f"[{address}]"


def _abort(client: aiosmtplib.SMTP) -> None:
    if isinstance(client.transport, asyncio.WriteTransport):
        client.transport.abort()
    client.close()
