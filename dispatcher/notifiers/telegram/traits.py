"""What the queue `telegram` is like."""

from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.base import Traits
from dispatcher.words.texts import Dialect

TRAITS = Traits(
    TelegramNotification,
    {"html": Dialect.TELEGRAM_HTML, "md": Dialect.MARKDOWN_V2, "txt": Dialect.TELEGRAM_TEXT},
)
