"""The notifier of the queue `telegram`."""

from dispatcher.notifiers.telegram.notifier import TelegramNotifier
from dispatcher.notifiers.telegram.settings import TelegramSettings

__all__ = ["TelegramNotifier", "TelegramSettings"]
