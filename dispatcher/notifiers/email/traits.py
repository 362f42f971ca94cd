"""What the queue `email` is like."""

from dispatcher.contract.email import EmailNotification
from dispatcher.notifiers.base import Traits
from dispatcher.words.texts import Dialect

TRAITS = Traits(EmailNotification, {"html": Dialect.HTML, "txt": Dialect.PLAIN}, flat_format="html")
