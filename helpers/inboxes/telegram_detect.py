"""What Telegram finds in a text by itself: links, addresses, mentions, tags and commands, without any markup."""

from __future__ import annotations

import re
from itertools import accumulate

from helpers.inboxes.telegram_entities import Entity, in_order, units

TLDS = (
    "com|org|net|edu|gov|int|info|biz|io|dev|app|me|co|tv|xyz|online|site|shop|ai|eu|at|de|ch|li|it|fr|es|pt|nl|be|lu|"
    "uk|ie|dk|se|no|fi|is|pl|cz|sk|hu|si|hr|rs|ro|bg|gr|ua|ru|by|tr|il|in|jp|cn|kr|au|nz|us|ca|mx|br|ar|cl|za"
)
"""Endings by which a name without `https://` counts as a link; Telegram knows some more."""
LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
TAIL = r"(?::\d{1,5})?(?:[/?#][^\s<>\"«»“”]*)?"

URL = re.compile(
    rf"(?<![\w@.\-/])(?:(?:https?|ftp)://(?:[^\s@/<>]+@)?(?:{LABEL}\.)+{LABEL}|(?:{LABEL}\.)+(?:{TLDS})(?![\w@]|-\w)){TAIL}",
    re.IGNORECASE,
)
TG_URL = re.compile(r"(?<!\w)(?:tg|ton|tonsite)://[^\s<>\"]+", re.IGNORECASE)
EMAIL = re.compile(rf"(?<![\w.+-])[a-z0-9][a-z0-9.+_-]{{0,63}}@(?:{LABEL}\.)+[a-z]{{2,24}}(?![\w-])", re.IGNORECASE)
MENTION = re.compile(r"(?<!\w)@[A-Za-z0-9_]{2,32}(?!\w)")
HASHTAG = re.compile(r"(?<![\w#])#(?=\w*[^\W\d_])\w{1,256}(?![\w#])")
COMMAND = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")
CASHTAG = re.compile(r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])")

PATTERNS = (  # what comes first wins where two would cover the same text
    ("url", TG_URL),
    ("email", EMAIL),
    ("url", URL),
    ("mention", MENTION),
    ("hashtag", HASHTAG),
    ("bot_command", COMMAND),
    ("cashtag", CASHTAG),
)
AT_THE_END = ".,:;!?'\"*_~`"


def detect(text: str) -> list[Entity]:
    """List what is found, in order, without overlaps; offset and length in UTF-16 units."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            begin, end = match.span()
            if kind == "url":
                end = begin + len(_trimmed(match[0]))
            if all(end <= other_begin or begin >= other_end for other_begin, other_end, _ in found):
                found.append((begin, end, kind))
    offsets = [0, *accumulate(units(character) for character in text)]
    return in_order(
        [
            {"type": kind, "offset": offsets[begin], "length": offsets[end] - offsets[begin]}
            for begin, end, kind in found
        ]
    )


def _trimmed(url: str) -> str:
    """Cut what belongs to the sentence: punctuation, and a bracket that nothing in the link opened."""
    while url and (
        url[-1] in AT_THE_END or (url[-1] in ")]" and url.count(url[-1]) > url.count("(["[")]".index(url[-1])]))
    ):
        url = url[:-1]
    return url
