"""The notifier of the queue `email`: SMTP.

settings      where, as whom, how long
addresses     what a publisher wrote → an address
headers, extras, mime, compose     → the bytes of a mail
replies       what the server's answers mean: the table
connect                             the library that speaks SMTP ends there
reading, waiting, wire, commands, connection  replies and commands, on what it has opened
places, width, kept, pool            connections: as many as the server can do with, kept
transaction   MAIL, RCPT, DATA, the text, the last answer
progress      whom a mail is for, and how far it has come
notifier      all of it, in one attempt; traits: what is known of it without it
"""

from dispatcher.notifiers.email.notifier import EmailNotifier
from dispatcher.notifiers.email.settings import EmailSettings
from dispatcher.notifiers.email.traits import TRAITS

__all__ = ["TRAITS", "EmailNotifier", "EmailSettings"]
