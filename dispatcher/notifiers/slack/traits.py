"""What the queue `slack` is like."""

from dispatcher.contract.slack import SlackNotification
from dispatcher.notifiers.base import Traits
from dispatcher.words.texts import Dialect

TRAITS = Traits(SlackNotification, {"json": Dialect.BLOCK_KIT, "md": Dialect.MRKDWN})
