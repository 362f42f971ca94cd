"""What it means that no answer came: the table of the exceptions, as data.

Whether the message may have been sent is told by how far the request came, which is watched, not by the exception.
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from aiohttp import client_exceptions as http
from slack_sdk import errors as slack

from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten

_QUOTED_BYTES = 200


class Redirected(Exception):
    """We were sent elsewhere, and do not go there."""


class Loss(Enum):
    """What an exception tells."""

    UNREACHED = auto()  # nobody was spoken to
    CUT = auto()  # the connection ended, or fell silent: it depends on whether the request was written
    UNREADABLE = auto()  # there was an answer, but it is none of Slack's
    BROKEN_OFF = auto()  # a library cancelled itself, which nobody had asked for


LOSSES: dict[type[BaseException], Loss] = {
    Redirected: Loss.UNREADABLE,
    # The library raises the second one for every answer that refuses; here are those that it could not read.
    slack.SlackClientError: Loss.UNREADABLE,
    slack.SlackApiError: Loss.UNREADABLE,
    slack.SlackRequestError: Loss.UNREADABLE,
    slack.BotUserAccessError: Loss.UNREADABLE,
    slack.SlackTokenRotationError: Loss.UNREADABLE,
    slack.SlackObjectFormationError: Loss.UNREADABLE,
    slack.SlackClientConfigurationError: Loss.UNREADABLE,
    slack.SlackClientNotConnectedError: Loss.UNREADABLE,
    http.ClientError: Loss.CUT,
    http.ClientConnectionError: Loss.CUT,
    http.ClientOSError: Loss.CUT,
    http.ClientConnectionResetError: Loss.CUT,
    http.ServerConnectionError: Loss.CUT,
    http.ServerDisconnectedError: Loss.CUT,
    http.ServerTimeoutError: Loss.CUT,
    http.SocketTimeoutError: Loss.CUT,
    http.ClientPayloadError: Loss.CUT,
    http.UploadAbortedError: Loss.CUT,
    http.ConnectionTimeoutError: Loss.UNREACHED,
    http.ClientConnectorError: Loss.UNREACHED,
    http.ClientConnectorDNSError: Loss.UNREACHED,
    http.ClientConnectorSSLError: Loss.UNREACHED,
    http.ClientConnectorCertificateError: Loss.UNREACHED,
    http.ClientSSLError: Loss.UNREACHED,
    http.ClientProxyConnectionError: Loss.UNREACHED,
    http.ClientHttpProxyError: Loss.UNREACHED,
    http.UnixClientConnectorError: Loss.UNREACHED,
    http.ServerFingerprintMismatch: Loss.UNREACHED,
    http.InvalidURL: Loss.UNREACHED,
    http.InvalidUrlClientError: Loss.UNREACHED,
    http.NonHttpUrlClientError: Loss.UNREACHED,
    http.ClientResponseError: Loss.UNREADABLE,
    http.ContentTypeError: Loss.UNREADABLE,
    http.WSServerHandshakeError: Loss.UNREADABLE,
    http.WSMessageTypeError: Loss.UNREADABLE,
    http.TooManyRedirects: Loss.UNREADABLE,
    http.RedirectClientError: Loss.UNREADABLE,
    http.InvalidUrlRedirectClientError: Loss.UNREADABLE,
    http.NonHttpUrlRedirectClientError: Loss.UNREADABLE,
    TimeoutError: Loss.CUT,
    OSError: Loss.CUT,
    asyncio.CancelledError: Loss.BROKEN_OFF,
}
"""By class; of a class that is not in it, its nearest base counts. What is none of these could not read the answer."""


def loss_of(error: BaseException) -> Loss:
    """Give what an exception tells."""
    return next((LOSSES[kind] for kind in type(error).__mro__ if kind in LOSSES), Loss.UNREADABLE)


def failure_of(error: BaseException, server: str, *, written: bool) -> Failure:
    """Give the failure.

    Args:
        error: what was raised; never quoted whole, for it may have an address in it that is a secret.
        server: host and port, for the text.
        written: whether the request was on its way.

    """
    what = f"{server}: {words(error)}"
    match loss_of(error):
        case Loss.UNREADABLE if written:
            return Failure(Kind.TRANSIENT, Reason.SERVICE_ERROR, f"{what}; nothing was sent as far as can be told")
        case Loss.BROKEN_OFF if not written:
            return Failure(Kind.TRANSIENT, Reason.SERVICE_ERROR, f"{what}; nothing was sent")
        case Loss.CUT | Loss.BROKEN_OFF if written:
            return Failure(Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, f"{what}; it may have been sent")
    return Failure(Kind.OUTAGE, Reason.SERVICE_UNREACHABLE, f"{what}; nothing was sent")


def words(error: BaseException) -> str:
    """Say what happened, in words that name no address."""
    return next((say(error) for kind, say in _WORDS if isinstance(error, kind)), _UNREADABLE)


def _reason(error: OSError) -> str:
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return shorten(harmless(error.strerror or str(error)), _QUOTED_BYTES) or "it cannot be reached"


def _tls(error: Exception) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or "the handshake broke off"
    return shorten(harmless(str(said)), _QUOTED_BYTES)


_UNREADABLE = "it answers something that is none of Slack's answers"
_WORDS: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (Redirected, lambda _: "it answers with a redirect, which we do not follow"),
    (http.ClientConnectorDNSError, lambda _: "there is no such host, or its name cannot be resolved"),
    (http.ClientConnectorCertificateError, lambda error: f"TLS failed: {_tls(error.certificate_error)}"),
    (ssl.SSLError, lambda error: f"TLS failed: {_tls(error)}"),
    (http.ClientHttpProxyError, lambda error: f"the proxy answers {error.status}"),
    (http.ClientProxyConnectionError, lambda error: f"the proxy cannot be reached: {_reason(error.os_error)}"),
    (http.ClientConnectorError, lambda error: _reason(error.os_error)),
    (http.ConnectionTimeoutError, lambda _: "no connection in time"),
    (TimeoutError, lambda _: "no answer in time"),
    (http.InvalidURL, lambda _: "its address cannot be used"),
    (http.ClientResponseError, lambda _: _UNREADABLE),
    (http.ClientError, lambda _: "the connection ended before the answer"),
    (OSError, lambda _: "the connection ended before the answer"),
    (asyncio.CancelledError, lambda _: "the request was broken off"),
)
"""What to say, by class; the first one that fits."""
