"""The notifier of the queue `slack`."""

from dispatcher.notifiers.slack.notifier import SlackNotifier
from dispatcher.notifiers.slack.settings import SlackSettings

__all__ = ["SlackNotifier", "SlackSettings"]
