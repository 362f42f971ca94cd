"""The notifier of the queue `telegram`: the Bot API.

settings      which bot, where, how much, how long
chats         what a publisher wrote → the chat that is meant
markup        runs of visible text and what they lie in; read_html, read_markdown read them, split cuts them
files         the picture or file of a message
compose       a template's texts → the messages that go out
answers       what a refusal means: the table; losses: what it means that there is no answer
course        how far a request has come, and where the token begins
form          how the parameters of a call are written
request       the library that speaks HTTP ends there
api           one call of the Bot API, with a failure where there is no success
sending       one recipient's messages on their way
notifier      all of it, in one attempt; traits: what is known of it without it
"""

from typing import TYPE_CHECKING, Any

from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.notifiers.telegram.traits import TRAITS

if TYPE_CHECKING:
    from dispatcher.notifiers.telegram.notifier import TelegramNotifier

__all__ = ["TRAITS", "TelegramNotifier", "TelegramSettings"]


def __getattr__(name: str) -> Any:
    """Load the notifier when somebody wants it: its libraries take time and memory, and it may be off."""
    if name == "TelegramNotifier":
        from dispatcher.notifiers.telegram.notifier import TelegramNotifier  # noqa: PLC0415

        return TelegramNotifier
    raise AttributeError(name)
