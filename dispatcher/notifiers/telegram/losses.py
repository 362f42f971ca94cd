"""What it means that a request has no answer: what surely was not sent, and what nobody knows."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import client_exceptions as http
from telegram import error as library

from dispatcher.notifiers.telegram.answers import QUOTED_BYTES, judge, read_answer
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.messages import harmless, shorten


@dataclass(frozen=True, slots=True)
class Loss:
    """What it means that a request has no answer.

    Attributes:
        kind, reason: what it means.
        what: for a person.

    """

    kind: Kind
    reason: Reason
    what: str


UNREACHABLE = Loss(Kind.OUTAGE, Reason.SERVICE_UNREACHABLE, "cannot be reached")
NOT_IN_TIME = Loss(Kind.OUTAGE, Reason.SERVICE_UNREACHABLE, "no connection in time; nothing was sent")
CUT_BEFORE = Loss(Kind.TRANSIENT, Reason.SERVICE_UNREACHABLE, "the connection was lost before all was written")
UNANSWERED = Loss(Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, "no answer; it may have been sent")
NOT_UNDERSTOOD = Loss(Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, "an answer that is none; it may have been sent")
STRANGE = Loss(Kind.TRANSIENT, Reason.SERVICE_ERROR, "the request failed")
BROKEN_OFF = Loss(Kind.TRANSIENT, Reason.SERVICE_ERROR, "the request was broken off; nothing was sent")

LOSSES: Mapping[type[Exception], tuple[Loss, Loss]] = {
    http.ClientError: (STRANGE, UNANSWERED),
    http.ClientConnectionError: (UNREACHABLE, UNANSWERED),
    http.ClientOSError: (UNREACHABLE, UNANSWERED),
    http.ClientConnectionResetError: (UNREACHABLE, UNANSWERED),
    http.ServerConnectionError: (UNREACHABLE, UNANSWERED),
    http.ServerDisconnectedError: (UNREACHABLE, UNANSWERED),
    http.ServerTimeoutError: (NOT_IN_TIME, UNANSWERED),
    http.SocketTimeoutError: (NOT_IN_TIME, UNANSWERED),
    http.ConnectionTimeoutError: (NOT_IN_TIME, UNANSWERED),
    http.ClientConnectorError: (UNREACHABLE, UNANSWERED),
    http.ClientConnectorDNSError: (UNREACHABLE, UNANSWERED),
    http.ClientConnectorSSLError: (UNREACHABLE, UNANSWERED),
    http.ClientConnectorCertificateError: (UNREACHABLE, UNANSWERED),
    http.ClientSSLError: (UNREACHABLE, UNANSWERED),
    http.ClientProxyConnectionError: (UNREACHABLE, UNANSWERED),
    http.ClientHttpProxyError: (UNREACHABLE, UNANSWERED),
    http.UnixClientConnectorError: (UNREACHABLE, UNANSWERED),
    http.ServerFingerprintMismatch: (UNREACHABLE, UNANSWERED),
    http.ClientPayloadError: (STRANGE, UNANSWERED),
    http.UploadAbortedError: (STRANGE, UNANSWERED),
    http.ClientResponseError: (UNREACHABLE, NOT_UNDERSTOOD),
    http.ContentTypeError: (STRANGE, NOT_UNDERSTOOD),
    http.WSServerHandshakeError: (STRANGE, NOT_UNDERSTOOD),
    http.WSMessageTypeError: (STRANGE, NOT_UNDERSTOOD),
    http.TooManyRedirects: (STRANGE, NOT_UNDERSTOOD),
    http.InvalidURL: (UNREACHABLE, UNANSWERED),
    http.InvalidUrlClientError: (UNREACHABLE, UNANSWERED),
    http.NonHttpUrlClientError: (UNREACHABLE, UNANSWERED),
    http.RedirectClientError: (STRANGE, NOT_UNDERSTOOD),
    http.InvalidUrlRedirectClientError: (STRANGE, NOT_UNDERSTOOD),
    http.NonHttpUrlRedirectClientError: (STRANGE, NOT_UNDERSTOOD),
    ssl.SSLError: (UNREACHABLE, UNANSWERED),
    TimeoutError: (NOT_IN_TIME, UNANSWERED),
    OSError: (UNREACHABLE, UNANSWERED),
}
"""What ended a request, by its class, before and after it was written; of the classes of a library, all that it has."""

_WORDS: tuple[tuple[type[Exception], Callable[[Any], str]], ...] = (
    (TimeoutError, lambda _: ""),
    (http.ClientHttpProxyError, lambda error: f"the proxy answers {error.status}"),
    (http.ClientConnectorCertificateError, lambda error: str(error.certificate_error)),
    (http.ClientConnectorError, lambda error: str(error.os_error)),
    (http.ClientResponseError, lambda error: error.message),
    (http.InvalidURL, lambda _: "its address cannot be used"),
    (http.NonHttpUrlClientError, lambda _: "its address cannot be used"),
)
"""What to say, by class; the first one that fits."""

CODES: Mapping[type[Exception], int] = {
    library.RetryAfter: 429,
    library.ChatMigrated: 400,
    library.Forbidden: 403,
    library.InvalidToken: 401,
    library.EndPointNotFound: 404,
    library.BadRequest: 400,
    library.Conflict: 409,
    library.TimedOut: 0,
    library.NetworkError: 0,
    library.PassportDecryptionError: 0,
    library.TelegramError: 0,
}
"""What the library's own exceptions stand for. Ours say more, and come before them: this is for what slips through."""


def loss_of(error: BaseException, *, begun: bool, written: bool) -> Loss:
    """Say what it means that a request ended with an exception instead of an answer.

    Args:
        error: the exception.
        begun: whether there was a connection, and the request was about to be written.
        written: whether all of it was: whoever has a part of it can do nothing with it.

    """
    if begun and not written:
        return CUT_BEFORE
    before, after = next((LOSSES[kind] for kind in type(error).__mro__ if kind in LOSSES), (STRANGE, UNANSWERED))
    return after if written else before


def words(error: BaseException) -> str:
    """Say what happened, where the loss alone does not; addresses, which may have logins in them, are left out."""
    return next((say(error) for kind, say in _WORDS if isinstance(error, kind)), str(error))


def judge_loss(loss: Loss, said: str, server: str) -> Failure:
    """Give the failure of a request without an answer."""
    return _failure(loss, said, server)


def judge_garbled(said: str, server: str) -> Failure:
    """Say what it means that an answer is none."""
    return _failure(NOT_UNDERSTOOD, said, server)


def judge_cancelled(server: str, *, handed_over: bool) -> Failure:
    """Say what it means that a library cancelled itself, which nobody had asked for."""
    return _failure(UNANSWERED if handed_over else BROKEN_OFF, "", server)


def judge_library(error: Exception, server: str) -> Failure:
    """Say what an exception of the library means that is none of ours."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), 0)
    if code == 0:
        return _failure(STRANGE, str(error), server)
    return judge(read_answer(code, {"ok": False, "description": str(error)}), server)


def _failure(loss: Loss, said: str, server: str) -> Failure:
    quoted = shorten(harmless(said), QUOTED_BYTES)
    return Failure(loss.kind, loss.reason, f"{server}: {loss.what}" + (f" ({quoted})" if quoted else ""))
