"""The notifier of the queue `slack`: the Web API by a bot, and incoming webhooks.

settings      the token, the webhooks, how long
targets       what a publisher wrote → a conversation or a webhook
strings, limits, blocks    the JSON of a template → blocks that Slack takes
text          the text beside them
answers       what Slack's answers mean: the tables
losses        what it means that none came: the table
api           the libraries that speak HTTP end there
notifier      all of it, in one attempt
"""

from dispatcher.notifiers.slack.notifier import SlackNotifier
from dispatcher.notifiers.slack.settings import SlackSettings

__all__ = ["SlackNotifier", "SlackSettings"]
