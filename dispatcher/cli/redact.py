"""The last line of defence: what looks like a secret goes into no log, whoever wrote it there.

Everything of ours keeps secrets out by itself; this is for what a library puts in the text of an exception.
"""

import re

HIDDEN = "[hidden]"

# In JSON a new line before a secret is a backslash and a letter.
_SECRETS = re.compile(
    r"(?P<bot>\d{5,20}:[A-Za-z0-9_-]{20,})"
    r"|(?P<slack>(?:(?<!\w)|(?<=\\[nrt]))x(?:ox[a-z]|app)-[\w-]{4,})"
    r"|(?<=hooks\.slack\.com/)(?P<webhook>[^\s\"'<>]+)"
    r"|(?<=://)(?P<login>[^\s/:@\"']*:[^\s/@\"']+)(?=@)"
)


def redact(text: str) -> str:
    """Hide tokens of Telegram and Slack, addresses of webhooks, and passwords in addresses."""
    return _SECRETS.sub(HIDDEN, text)


def may_need_redacting(text: str) -> bool:
    """Tell whether there may be something to hide: quicker than to look for it, and mostly there is not."""
    return ":" in text or "xox" in text or "xapp-" in text or "hooks.slack.com/" in text
