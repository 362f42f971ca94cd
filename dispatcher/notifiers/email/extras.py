"""The extra headers that a publisher may set: those that tell something, never those that decide who is who."""

import re
from collections.abc import Mapping

from dispatcher.notifiers.email.headers import LONGEST_LINE, encoded_words, fold, refuse_controls
from dispatcher.words.errors import Failure, Kind, Reason

ALLOWED = (
    "Archived-At",
    "Comments",
    "Feedback-ID",
    "Importance",
    "In-Reply-To",
    "Keywords",
    "Organization",
    "Precedence",
    "Priority",
    "References",
)
"""By name; `List-…` and `X-…` besides."""

PREFIXES = ("list-", "x-")

_NAMES = frozenset(name.lower() for name in ALLOWED)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def extra_headers(headers: Mapping[str, str]) -> list[str]:
    """Write the extra headers of a notification.

    Raises:
        Failure: one is not allowed, named twice, too long for a line, or holds a line break (content, bad-header).

    """
    lines: dict[str, str] = {}
    for name, value in headers.items():
        _check_name(name)
        if name.lower() in lines:
            raise _bad(f"headers.{name} is given twice; upper and lower case are the same")
        lines[name.lower()] = f"{name}: {_value(name, value)}".rstrip()
    return list(lines.values())


def _check_name(name: str) -> None:
    refuse_controls("a name in headers", name, allowed="")
    lower = name.lower()
    allowed = lower in _NAMES or (lower.startswith(PREFIXES) and lower not in PREFIXES)
    if not allowed or not _NAME.fullmatch(name):
        raise _bad(f"headers.{name[:64]} is not allowed; allowed are List-…, X-…, {', '.join(ALLOWED)}")


def _value(name: str, value: str) -> str:
    """Write ASCII as the publisher wrote it, with breaks at its spaces; anything else in encoded words."""
    plain = refuse_controls(f"headers.{name}", value).replace("\t", " ").strip(" ")
    used = len(name) + 2
    if not plain.isascii():
        return encoded_words(plain, used)
    folded = fold(plain, used)
    if max(map(len, folded.split("\r\n"))) > LONGEST_LINE - used:
        raise _bad(f"headers.{name} holds a word that is too long for a line")
    return folded


def _bad(text: str) -> Failure:
    return Failure(Kind.CONTENT, Reason.BAD_HEADER, text)
