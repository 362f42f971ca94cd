"""The last line of defence: what looks like a secret goes into no log, whoever wrote it there.

Everything of ours keeps secrets out by itself; this is for what a library puts in the text of an exception.
"""

import re

HIDDEN = "[hidden]"

_SECRETS = re.compile(
    r"(?P<bot>\d{5,20}:[A-Za-z0-9_-]{20,})"
    r"|(?P<slack>\bx(?:ox[a-z]|app)-[\w-]{4,})"
    r"|(?<=hooks\.slack\.com/)(?P<webhook>[^\s\"'<>]+)"
    r"|(?<=://)(?P<login>[^\s/:@\"']*:[^\s/@\"']+)(?=@)"
)


def redact(text: str) -> str:
    """Hide tokens of Telegram and Slack, addresses of webhooks, and passwords in addresses."""
    return _SECRETS.sub(HIDDEN, text)
