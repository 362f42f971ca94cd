"""The last line of defence: what looks like a secret goes into no log, and nothing that commands a terminal.

Everything of ours keeps secrets out by itself; this is for what a library puts in the text of an exception. What a
publisher writes may be anything, and whoever looks at a log does so on a terminal.
"""

import json
import re

HIDDEN = "[hidden]"

# In JSON a new line before a secret is a backslash and a letter, and another control character one with a number.
_SECRETS = re.compile(
    r"(?P<bot>\d{5,20}:[A-Za-z0-9_-]{20,})"
    r"|(?P<slack>(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4}))x(?:ox[a-z]|app)-[\w-]{4,})"
    r"|(?<=hooks\.slack\.com/)(?P<webhook>[^\s\"'<>]+)"
    r"|(?<=://)(?P<login>[^\s/:@\"']*:[^\s/@\"']+)(?=@)"
)


def redact(text: str) -> str:
    """Hide tokens of Telegram and Slack, addresses of webhooks, and passwords in addresses."""
    return _SECRETS.sub(HIDDEN, text)


# C1 controls (ECMA-48), ends of lines that are none in JSON, and what turns the direction of text (UAX #9).
_COMMANDS = re.compile("[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


def tame(line: str) -> str:
    """Write as JSON escapes what JSON leaves as it is, though a terminal may obey it."""
    return line if line.isascii() else _COMMANDS.sub(_escape, line)


def visible(text: str) -> str:
    """Write all of it as escapes, line breaks included: for what is not in JSON."""
    return _CONTROLS.sub(_escape, tame(text))


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


def may_need_redacting(text: str) -> bool:
    """Tell whether there may be something to hide: quicker than to look for it, and mostly there is not."""
    return ":" in text or "xox" in text or "xapp-" in text or "hooks.slack.com/" in text
