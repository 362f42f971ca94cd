"""The notifier of the queue `slack`: the Web API by a bot, and incoming webhooks.

settings      the token, the webhooks, how long
targets       what a publisher wrote → a conversation or a webhook
strings, limits, blocks    the JSON of a template → blocks that Slack takes
text          the text beside them
answers       what Slack's answers mean: the tables
losses        what it means that none came: the table
api           the libraries that speak HTTP end there
notifier      all of it, in one attempt; traits: what is known of it without it
"""

from typing import TYPE_CHECKING, Any

from dispatcher.notifiers.slack.settings import SlackSettings
from dispatcher.notifiers.slack.traits import TRAITS

if TYPE_CHECKING:
    from dispatcher.notifiers.slack.notifier import SlackNotifier

__all__ = ["TRAITS", "SlackNotifier", "SlackSettings"]


def __getattr__(name: str) -> Any:
    """Load the notifier when somebody wants it: its libraries take time and memory, and it may be off."""
    if name == "SlackNotifier":
        from dispatcher.notifiers.slack.notifier import SlackNotifier  # noqa: PLC0415

        return SlackNotifier
    raise AttributeError(name)
