"""Least rights at RabbitMQ: what the daemon and a publisher have to be allowed, and sentences about what is missing.

A permission is three regular expressions over the names of queues and exchanges, one for each of configure, write and
read (RabbitMQ's guide "Authentication, Authorisation, Access Control" has the table of which operation asks for which).
What the daemon does with them:

    configure   it makes the work queues, the delay queues, the queues of dead letters and the exchange for publishers
    write       it binds the work queues to that exchange; copies go out through the default exchange, and so does what
                the delay queues give back
    read        it takes from the work queues, binds from the exchange, and makes queues that dead-letter

Nobody reads dead letters here: they are for a person, who has a login of their own.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.brokers.topology import DEAD, DEFAULT_EXCHANGE, EXCHANGE, RETRY

NOTHING = "^$"

ADVICE = "'dispatcher permissions' prints the command that gives it"
"""What to do about a right that is missing."""


class Right(StrEnum):
    """What may be done with a queue or an exchange."""

    CONFIGURE = "configure"
    WRITE = "write"
    READ = "read"


_WORDS = {Right.CONFIGURE: "configure", Right.WRITE: "write to", Right.READ: "read from"}


@dataclass(frozen=True, slots=True)
class Rights:
    """A permission of RabbitMQ: whoever has it may do this with what has a name like that."""

    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING


def of_the_daemon(queues: Collection[str]) -> Rights:
    """Give all that the daemon needs to serve these work queues, whatever their ladder is.

    Who may write to the default exchange may write to every queue of the virtual host: so it should have one of its
    own.
    """
    work = _one_of(*map(re.escape, queues))
    retry, dead, exchange = rf"{re.escape(RETRY)}[0-9a-z]+", re.escape(DEAD), re.escape(EXCHANGE)
    return Rights(
        configure=f"^{_one_of(exchange, f'{work}{_one_of(retry, dead)}?')}$",
        write=f"^{_one_of(re.escape(DEFAULT_EXCHANGE), work)}$",
        read=f"^{_one_of(exchange, f'{work}({retry})?')}$",
    )


def of_a_publisher() -> Rights:
    """Give what a publisher needs that uses the exchange `dispatcher`: it reaches the work queues and nothing else."""
    return Rights(write=f"^{re.escape(EXCHANGE)}$")


def of_a_publisher_to_any_queue() -> Rights:
    """Give what a publisher needs that uses the default exchange: it reaches every queue of the virtual host."""
    return Rights(write=f"^{re.escape(DEFAULT_EXCHANGE)}$")


def missing(right: Right, name: str, refusal: str) -> str:
    """Say which right is missing, in half a sentence, and how it is given.

    Args:
        right: the right.
        name: of the queue or exchange.
        refusal: the broker's own words, which name user and virtual host.

    """
    return f"the right to {_WORDS[right]} '{name}' is missing ({refusal}); {ADVICE}"


def named(refusal: str) -> Right | None:
    """Read the right from the broker's words; RabbitMQ 3.13 and older do not say it."""
    word = refusal.partition(" access to ")[0]
    return Right(word) if word in set(Right) else None


def _one_of(*patterns: str) -> str:
    return f"({'|'.join(patterns)})"
