"""What it means that a request has no answer: what surely was not sent, and what nobody knows."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
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
NO_PLACE = Loss(Kind.TRANSIENT, Reason.SERVICE_UNREACHABLE, "no connection was free in time; nothing was sent")
CUT_BEFORE = Loss(Kind.TRANSIENT, Reason.SERVICE_UNREACHABLE, "the connection was lost before all was written")
UNANSWERED = Loss(Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, "no answer; it may have been sent")
NOT_UNDERSTOOD = Loss(Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, "an answer that is none; it may have been sent")
STRANGE = Loss(Kind.TRANSIENT, Reason.SERVICE_ERROR, "the request failed")

BROKEN_OFF = Loss(Kind.TRANSIENT, Reason.SERVICE_ERROR, "the request was broken off; nothing was sent")

LOSSES: Mapping[type[Exception], Loss] = {
    httpx.ConnectTimeout: NOT_IN_TIME,
    httpx.PoolTimeout: NO_PLACE,
    httpx.ReadTimeout: UNANSWERED,
    httpx.WriteTimeout: CUT_BEFORE,
    httpx.TimeoutException: UNANSWERED,
    httpx.ConnectError: UNREACHABLE,
    httpx.ReadError: UNANSWERED,
    httpx.WriteError: CUT_BEFORE,
    httpx.CloseError: UNANSWERED,
    httpx.NetworkError: UNANSWERED,
    httpx.ProxyError: UNREACHABLE,
    httpx.UnsupportedProtocol: UNREACHABLE,
    httpx.LocalProtocolError: STRANGE,
    httpx.RemoteProtocolError: UNANSWERED,
    httpx.ProtocolError: UNANSWERED,
    httpx.DecodingError: NOT_UNDERSTOOD,
    httpx.TooManyRedirects: STRANGE,
    httpx.TransportError: UNANSWERED,
    httpx.RequestError: UNANSWERED,
    httpx.HTTPStatusError: STRANGE,
    httpx.HTTPError: STRANGE,
    ssl.SSLError: UNANSWERED,
    TimeoutError: UNANSWERED,
}
"""What ended a request, by its class; of the classes of a library, all that it has."""

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


def judge_loss(error: BaseException | None, server: str) -> Failure:
    """Say what it means that a request ended with an exception instead of an answer."""
    loss = next((LOSSES[kind] for kind in type(error).__mro__ if kind in LOSSES), STRANGE)
    return _failure(loss, str(error) if error is not None else "", server)


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
        return judge_loss(error.__cause__, server)
    return judge(read_answer(code, {"ok": False, "description": str(error)}), server)


def _failure(loss: Loss, said: str, server: str) -> Failure:
    quoted = shorten(harmless(said), QUOTED_BYTES)
    return Failure(loss.kind, loss.reason, f"{server}: {loss.what}" + (f" ({quoted})" if quoted else ""))
